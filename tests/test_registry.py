"""Models from a server that cuts, corrupts and delays."""

import json
import shutil
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import pytest
from conftest import toy, toy_events
from typer.testing import CliRunner

from mizoo import cli, load
from mizoo.datasets.integrity import checksum
from mizoo.export import fetch, registry, write_registry
from mizoo.export.catalogue import catalogue
from mizoo.export.manifest import write_manifest

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


@pytest.mark.ci
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


@pytest.mark.ci
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
        '{"../toy": {}}', '{".toy": {}}', '{"a/b": {}}', "[1]", "<html>", '{"toy": []}',
        '{"toy": {"a": 1}}', '{"toy": {"a": "0"}}', "[" * 100_000, "\xff",
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


def test_a_keras_file_is_loaded_by_its_path(tmp_path):
    model, path = toy(), tmp_path / "mine.keras"
    model.adapt(toy_events())
    model.save(path)
    z = toy_events().z[:3]
    assert (load(path).decode(z, seed=1).numpy() == model.decode(z, seed=1).numpy()).all()
    with pytest.raises(ValueError, match="is not the one you mean"):
        load(path, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"other\.keras cannot be loaded: File not found"):
        load(tmp_path / "other.keras")


def test_models_are_listed_with_their_figures(server, tmp_path):
    load("toy", server.url)
    result = CliRunner().invoke(cli.app, ["models", "--registry", server.url])
    assert result.exit_code == 0, result.output
    assert [word for word in ("toy", "z_tilde", "1.50", "2.50") if word not in result.output] == []


def test_a_checksum_from_elsewhere_makes_any_registry_good_enough(server, shelf, monkeypatch):
    monkeypatch.setattr(registry, "_LOOPBACK", ())  # as if it were on another machine
    with pytest.raises(ValueError, match="can be changed on its way"):
        load("toy", server.url)
    with pytest.raises(ValueError, match=r"sha256\.json is not the one you mean"):
        load("toy", server.url, sha256="0" * 64)
    assert not (registry.cache() / "toy").exists()
    known = checksum(shelf / "toy" / "sha256.json")
    assert load("toy", server.url, sha256=known).name == "toy"


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
