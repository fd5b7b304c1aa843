"""Registries that can be changed, replies without end, and the cache of downloaded models."""

import contextlib
import multiprocessing
import os
import socketserver
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mizoo.datasets.lock import locked
from mizoo.export import fetch, registry, write_registry
from mizoo.export.loader import locate
from mizoo.export.manifest import write_manifest

# ---------------------------------------------------------------- who can change a registry


@pytest.mark.parametrize("url", ["http://example.org/registry.json", "http://10.0.0.1/registry.json"])
def test_a_registry_that_can_be_changed_on_its_way_is_refused(url, monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda *_: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=f"registry {url} can be changed on its way: give one by https"):
        locate("toy", url)


def test_a_redirection_out_of_https_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda *_: "http://example.org/other.json")
    with pytest.raises(ValueError, match=r"http://example\.org/other\.json can be changed on its way"):
        registry.read_registry("https://example.org/registry.json")


def test_other_addresses_are_refused(tmp_path):
    for url in (f"file://{tmp_path}/registry.json", "registry.json", "ftp://a/b", "https:///registry.json"):
        with pytest.raises(ValueError, match=r"is no address of a file on the web, https://"):
            locate("toy", url)


# ---------------------------------------------------------------- replies without end


class Trickle(socketserver.BaseRequestHandler):
    """Sends a beginning, and then the same piece for ever."""

    def handle(self):
        self.request.recv(2000)
        with contextlib.suppress(OSError):
            self.request.sendall(self.server.first)
            while True:
                self.request.sendall(self.server.piece)
                time.sleep(self.server.pause)


@pytest.fixture
def trickle():
    served = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickle)
    served.daemon_threads = True
    threading.Thread(target=served.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{served.server_address[1]}/registry.json"
    yield served
    served.shutdown()
    served.server_close()


OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("first", "piece", "pause", "message"),
    [
        (OK, b" " * 10_000, 0.0, "it is larger than 100000 bytes"),
        (OK[:-2] + b"Content-Length: 100001\r\n\r\n", b" ", 0.0, "it is larger than 100000 bytes"),
        (OK, b" ", 0.05, "it takes longer than 1 seconds"),
        (b"HTTP/1.0 200 OK\r\nX: ", b"x", 0.05, "no answer within 0.5 seconds"),
        (b"", b"x", 0.05, "no answer within 0.5 seconds"),
        (b"nonsense\r\n\r\n", b"", 0.01, "nonsense"),
        (b"HTTP/1.0 404 Gone\r\n\r\n", b"", 0.01, "Gone"),
        (b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 200, b"", 0.01, "got more than 100 headers"),
    ],
)
def test_replies_without_end_and_sense_end_in_one_line(trickle, monkeypatch, first, piece, pause, message):
    monkeypatch.setattr(fetch, "_TIMEOUT", 0.5)
    monkeypatch.setattr(registry, "_LIST_BYTES", 100_000)
    monkeypatch.setattr(registry, "_LIST_SECONDS", 1.0)
    trickle.first, trickle.piece, trickle.pause = first, piece, pause
    start = time.monotonic()
    with pytest.raises(
        ConnectionError, match=f"^registry {trickle.url} cannot be downloaded: .*{message}"
    ) as found:
        locate("toy", trickle.url)
    assert time.monotonic() - start < 10.0
    assert "\n" not in str(found.value)


# ---------------------------------------------------------------- the cache


def small_shelf(folder, text="the files of a model"):
    """A registry with a model of small files, without a model that could be loaded."""
    (folder / "small").mkdir(parents=True)
    for name in ("model.onnx", "README.md"):
        (folder / "small" / name).write_text(f"{text}: {name}")
    write_manifest(folder / "small")
    return write_registry(folder)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The server of a registry with a small model."""
    monkeypatch.setenv("MIZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    small_shelf(tmp_path / "shelf")
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "shelf"))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{served.server_port}/registry.json"
    yield served
    served.shutdown()
    served.server_close()


def _locate(url, folder, results):
    os.environ["MIZOO_CACHE"] = folder
    try:
        results.put(str(locate("small", url)))
    except Exception as error:
        results.put(repr(error))


@pytest.mark.ci
def test_first_loads_at_once_all_succeed(small, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    cache = str(tmp_path / "cache")
    processes = [context.Process(target=_locate, args=(small.url, cache, results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    assert set(found) == {f"{cache}/small"}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["small"]


@pytest.mark.ci
@pytest.mark.parametrize("damage", ["change", "take away", "main file", "unlisted", "no checksums"])
def test_a_broken_model_of_the_cache_is_fetched_again(small, tmp_path, damage):
    folder = locate("small", small.url)
    assert folder == tmp_path / "cache" / "small"
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    match damage:
        case "change":
            (folder / "README.md").write_text("other")
        case "take away":
            (folder / "README.md").unlink()
        case "main file":
            (folder / "model.onnx").unlink()
        case "unlisted":
            (folder / "saved_model.pb").write_text("not of this model")
        case "no checksums":
            (folder / "sha256.json").unlink()
    assert locate("small", small.url) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def test_what_killed_downloads_left_is_swept(small, tmp_path):
    cache = tmp_path / "cache"
    for name in (".small.part", ".other.part", ".running.part"):
        (cache / name / "new").mkdir(parents=True)
    with locked(cache / ".running.lock"):
        locate("small", small.url)
        assert {path.name for path in cache.iterdir()} == {"small", ".running.part", ".running.lock"}


def test_a_model_that_is_none_is_not_kept(small, tmp_path):
    (tmp_path / "shelf" / "small" / "model.onnx").unlink()
    write_manifest(tmp_path / "shelf" / "small")
    write_registry(tmp_path / "shelf")
    with pytest.raises(ValueError, match=r"is no model: it has no saved_model\.pb and no model\.onnx"):
        locate("small", small.url)
    assert list((tmp_path / "cache").iterdir()) == []
