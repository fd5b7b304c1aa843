"""Digits of MNIST from files and from a server."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mizoo.datasets import mnist
from mizoo.datasets.integrity import checksum
from mizoo.datasets.mnist import sobel

RANDOM = np.random.default_rng(0)


def drawn(count):
    return RANDOM.integers(0, 256, (count, 28, 28), dtype="uint8")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of `mnist.npz`, whose address and checksum stand in for those of the real file."""
    (tmp_path / "served").mkdir()
    file = tmp_path / "served" / "mnist.npz"
    np.savez(file, x_train=drawn(40), x_test=drawn(20), y_train=np.zeros(40), y_test=np.zeros(20))
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=file.parent))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    monkeypatch.setenv("MIZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(mnist.__globals__, "URL", f"http://127.0.0.1:{served.server_port}/mnist.npz")
    monkeypatch.setitem(mnist.__globals__, "SHA256", checksum(file))
    served.file = file
    yield served
    served.shutdown()
    served.server_close()


def test_the_file_is_downloaded_once(server, tmp_path):
    split = mnist()
    assert [len(part) for part in (split.train, split.validation, split.test)] == [36, 4, 20]
    with np.load(server.file) as content:
        np.testing.assert_allclose(split.test.x[..., 0] * 255.0, content["x_test"], atol=1e-4)
        np.testing.assert_allclose(split.validation.x[..., 0] * 255.0, content["x_train"][36:], atol=1e-4)
    assert (tmp_path / "cache" / "mnist.npz").is_file()
    server.file.unlink()
    np.testing.assert_array_equal(mnist().train.x, split.train.x)


def test_without_a_network_the_error_is_one_line_that_says_what_to_do(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match=r"mnist\.npz cannot be downloaded .*mnist\(path\)") as told:
        mnist()
    assert "\n" not in str(told.value)


def test_another_file_on_the_server_is_refused(server, tmp_path):
    np.savez(server.file, x_train=drawn(10), x_test=drawn(10))
    with pytest.raises(ValueError, match=r"mnist\.npz is damaged or was changed"):
        mnist()
    assert not (tmp_path / "cache" / "mnist.npz").exists()


def test_images_of_one_array_are_split_in_a_fixed_order(tmp_path):
    images = drawn(50)
    np.savez(tmp_path / "digits.npz", images=images, labels=np.zeros(50))
    split = mnist(tmp_path / "digits.npz")
    assert [len(part) for part in (split.train, split.validation, split.test)] == [40, 5, 5]
    assert split.train.x.shape[1:] == (28, 28, 1)
    assert split.train.z is None
    together = np.concatenate([split.train.x, split.validation.x, split.test.x])[..., 0]
    order = np.random.default_rng(0).permutation(50)
    np.testing.assert_allclose(together, images[order] / 255.0, atol=1e-6)
    np.save(tmp_path / "digits.npy", images)
    np.testing.assert_array_equal(mnist(tmp_path / "digits.npy").test.x, split.test.x)


def test_edges_are_pairs(tmp_path):
    images = np.zeros((10, 28, 28), "uint8")
    images[:, :, 14:] = 255
    np.save(tmp_path / "halves.npy", images)
    train = mnist(tmp_path / "halves.npy", edges=True).train
    assert train.z.shape == train.x.shape
    flat = 4.0 / np.sqrt(20.0)  # 1 + 2 + 1 across the middle
    np.testing.assert_allclose(train.z[0, :, 13:15, 0], flat, rtol=1e-6)
    assert train.z.sum() == pytest.approx(8 * 28 * 2 * flat, rel=1e-5)


def test_edges_are_from_0_to_1():
    steepest = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # of nine pixels
    assert sobel(steepest.reshape(1, 3, 3, 1)).max() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": drawn(10)}, "arrays x_train and x_test, or images, expected, got x"),
        ({"images": drawn(9)}, r"images must be 10 or more images, .* got uint8 \(9, 28, 28\)"),
        ({"images": drawn(10) / 255.0}, ".* got float64"),
        ({"x_train": drawn(10), "x_test": drawn(10)[:, 1:]}, r"x_test must be .* \(10, 27, 28\)"),
    ],
)
def test_other_files_are_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(ValueError, match=rf"other\.npz: {message}"):
        mnist(tmp_path / "other.npz")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz: no such file"):
        mnist(tmp_path / "none.npz")
