"""Models from a server that cuts, corrupts and delays."""

import contextlib
import json
import multiprocessing
import os
import shutil
import socketserver
import threading
import time
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import pytest
from conftest import toy, toy_events
from typer.testing import CliRunner

from mizoo import cli, load
from mizoo.datasets.integrity import checksum
from mizoo.datasets.lock import locked
from mizoo.export import fetch, registry, write_registry
from mizoo.export.catalogue import catalogue
from mizoo.export.loader import locate
from mizoo.export.manifest import UnverifiedModel, write_manifest

VARIABLES = "variables/variables.data-00000-of-00001"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder with one model and a registry, to be served."""
    folder = tmp_path_factory.mktemp("shelf")
    model = toy(["L_z_tilde"])
    model.adapt(toy_events())
    model.export(folder / "toy", verbose=False)
    (folder / "toy" / "metrics.json").write_text(
        json.dumps({"summary": {"z_tilde": {"mean": 1.5, "largest": 2.5, "of": "z0", "threshold": 1.0}}})
    )
    write_manifest(folder / "toy")
    write_registry(folder)
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Serves files, and spoils those that the server names."""

    def do_GET(self):
        wrong = next((w for name, w in self.server.faults.items() if self.path.endswith(name)), None)
        if wrong is None:
            return super().do_GET()
        with open(self.translate_path(self.path), "rb") as file:
            content = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if wrong == "corrupt":
            self.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))
        else:
            self.wfile.write(content[: len(content) // 2])
            if wrong == "delay":
                self.wfile.flush()
                time.sleep(1.5)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("MIZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "_TIMEOUT", 0.5)
    monkeypatch.chdir(tmp_path)
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=shelf))
    served.faults = {}
    threading.Thread(target=served.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{served.server_port}/registry.json"
    yield served
    served.shutdown()
    served.server_close()


def test_a_model_is_fetched_once(server, tmp_path, monkeypatch):
    model = load("toy", server.url)
    assert model.path == tmp_path / "cache" / "toy"
    x = toy_events().x[:5]
    assert (model.encode(x, seed=1).numpy() == model.encode(x, seed=1).numpy()).all()
    server.shutdown()
    assert load("toy").path == model.path  # from the cache
    monkeypatch.setenv("MIZOO_CACHE", str(tmp_path / "other"))
    monkeypatch.setenv("MIZOO_REGISTRY", server.url)
    with pytest.raises(ConnectionError, match=f"registry {server.url}"):
        load("toy")


@pytest.mark.parametrize(
    ("fault", "error"), [("corrupt", ValueError), ("cut", ConnectionError), ("delay", ConnectionError)]
)
def test_a_spoilt_download_leaves_nothing(server, tmp_path, fault, error):
    server.faults = {VARIABLES: fault}
    with pytest.raises(error, match=VARIABLES):
        load("toy", server.url)
    assert list((tmp_path / "cache").iterdir()) == []
    server.faults = {}
    assert load("toy", server.url).name == "toy"


def test_near_misses_and_strange_registries(server, shelf):
    with pytest.raises(ValueError, match="did you mean 'toy'"):
        load("tyo", server.url)
    zeros = "0" * 64
    for content in (
        '{"../toy": {}}', '{".toy": {}}', '{"a/b": {}}', "[1]", "<html>", '{"toy": []}', '{"toy": {"a": 1}}',
        '{"toy": {"a": "0"}}', "[" * 100_000, "\xff",
        *(json.dumps({"toy": {path: zeros}}) for path in ("/etc/passwd", "a/../../b", "C:\\a", "..", "")),
    ):  # fmt: skip
        (shelf / "strange.json").write_text(content)
        with pytest.raises(ValueError, match="is no registry of models"):
            load("toy", server.url.replace("registry", "strange"))


@pytest.mark.parametrize("name", ["saved_model.pb", VARIABLES, "metrics.json"])
@pytest.mark.parametrize("damage", ["cut", "change", "take away"])
def test_a_damaged_file_is_named(shelf, tmp_path, name, damage):
    shutil.copytree(shelf / "toy", tmp_path / "toy")
    path = tmp_path / "toy" / name
    content = path.read_bytes()
    if damage == "take away":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else content[:-1] + b"?")
    if (name, damage) == ("saved_model.pb", "take away"):
        with pytest.raises(ValueError, match="no trained model"):
            load(tmp_path / "toy")
    else:
        with pytest.raises(ValueError, match=f"{name} is (missing|damaged)"):
            load(tmp_path / "toy")


def test_a_cut_model_without_checksums_is_named(shelf, tmp_path):
    shutil.copytree(shelf / "toy", tmp_path / "toy")
    (tmp_path / "toy" / "sha256.json").unlink()
    pb = tmp_path / "toy" / "saved_model.pb"
    pb.write_bytes(pb.read_bytes()[:1000])
    with pytest.raises(ValueError, match="toy is no whole SavedModel"):
        load(tmp_path / "toy")


def test_code_in_a_keras_file_is_refused(tmp_path):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs)).save(tmp_path / "model.keras")
    with pytest.raises(Exception, match=r"[Uu]nsafe|safe_mode"):
        load(tmp_path)


def test_models_are_listed_with_their_figures(server, tmp_path):
    load("toy", server.url)
    result = CliRunner().invoke(cli.app, ["models", "--registry", server.url])
    assert result.exit_code == 0, result.output
    assert [word for word in ("toy", "z_tilde", "1.50", "2.50") if word not in result.output] == []


# ---------------------------------------------------------------- who can change a registry


@pytest.mark.parametrize("url", ["http://example.org/registry.json", "http://10.0.0.1/registry.json"])
def test_a_registry_that_can_be_changed_on_its_way_is_refused(url, monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda *_: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=f"registry {url} can be changed on its way: give one by https"):
        load("toy", url)


def test_a_redirection_out_of_https_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda *_: "http://example.org/other.json")
    with pytest.raises(ValueError, match=r"http://example\.org/other\.json can be changed on its way"):
        registry.read_registry("https://example.org/registry.json")


def test_a_checksum_from_elsewhere_makes_any_registry_good_enough(server, shelf, monkeypatch):
    monkeypatch.setattr(registry, "_LOOPBACK", ())  # as if it were on another machine
    with pytest.raises(ValueError, match="can be changed on its way"):
        load("toy", server.url)
    with pytest.raises(ValueError, match=r"sha256\.json is not the one you mean"):
        load("toy", server.url, sha256="0" * 64)
    assert not (registry.cache() / "toy").exists()
    known = checksum(shelf / "toy" / "sha256.json")
    assert load("toy", server.url, sha256=known).name == "toy"


def test_other_addresses_are_refused(tmp_path):
    for url in (f"file://{tmp_path}/registry.json", "registry.json", "ftp://a/b", "https:///registry.json"):
        with pytest.raises(ValueError, match=r"is no address of a file on the web, https://"):
            load("toy", url)


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
    with pytest.raises(ConnectionError, match=f"^registry {trickle.url} cannot be downloaded: .*{message}") as found:
        load("toy", trickle.url)
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


@pytest.fixture
def small(server, tmp_path):
    """The server of a registry with a small model, and its entry."""
    small_shelf(tmp_path / "shelf")
    server.RequestHandlerClass = partial(Handler, directory=tmp_path / "shelf")
    return server


def _locate(url, folder, results):
    os.environ["MIZOO_CACHE"] = folder
    try:
        results.put(str(locate("small", url)))
    except Exception as error:
        results.put(repr(error))


def test_first_loads_at_once_all_succeed(small, tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    cache = str(tmp_path / "cache")
    processes = [context.Process(target=_locate, args=(small.url, cache, results)) for _ in range(6)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    assert set(found) == {f"{cache}/small"}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["small"]


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnverifiedModel)
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


@pytest.mark.parametrize("content", ["{", "[1]", '{"summary": {"x": 3}}', '{"summary": 5}', "\ud800"])
def test_one_bad_model_does_not_take_the_list_down(shelf, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    for name in ("bad", "good", "bare"):
        shutil.copytree(shelf / "toy", tmp_path / "saved_models" / name)
    bad = tmp_path / "saved_models" / "bad" / "metrics.json"
    bad.write_bytes(content.encode("utf-8", "surrogatepass"))
    (tmp_path / "saved_models" / "bare" / "sha256.json").unlink()
    found = catalogue()
    assert found["bad"] == ("saved_models, metrics.json is damaged", {})
    assert found["good"] == ("saved_models", {"z_tilde": {"mean": 1.5, "largest": 2.5, "threshold": 1.0}})
    assert found["bare"][0] == "saved_models, unverified"
    assert CliRunner().invoke(cli.app, ["models"]).exit_code == 0
