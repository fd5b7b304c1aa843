"""The page of the documentation whose models run in the browser, in a browser."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from chromium import PROGRAM, Browser
from PIL import Image

import mizoo
from mizoo.export.onnx_model import OnnxModel
from mizoo.physics import reconstruct

ROOT = Path(__file__).parents[1]
DOCS, MODELS = ROOT / "docs", ROOT / "saved_models"
SECONDS = 120.0  # for a machine that does other things, too
CONF = """
project = html_title = "mizoo"
extensions = ["myst_parser"]
html_theme, html_static_path, html_css_files = "furo", ["_static"], ["mizoo.css"]
root_doc, suppress_warnings = "interactive", ["myst.xref_missing"]
"""


@pytest.fixture(scope="module")
def scripts():
    """The modules of the documentation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        import interactive
        import onnxruntime_web

        yield SimpleNamespace(interactive=interactive, onnxruntime_web=onnxruntime_web)


def model(name):
    return OnnxModel(MODELS / name / "model.onnx")


@pytest.mark.parametrize("name", ["vae-digits", pytest.param("flow-ttbar", marks=pytest.mark.ci)])
def test_mapper_draws_as_the_whole_file(name, scripts):
    whole = model(name)
    count = 20
    rng = np.random.default_rng(0)
    if name == "flow-ttbar":
        feeds = {"z": mizoo.datasets.ttbar().test.z[:count]}
        feeds["x_noise"] = rng.standard_normal((count, *whole.noise_shape("decoder")))
    else:
        feeds = {"z": rng.standard_normal((count, *whole.shapes["z"]))}
    feeds = {name: values.astype("float32") for name, values in feeds.items()}
    alone = scripts.interactive.mapper(whole.path, "x_tilde", count)
    session = onnxruntime.InferenceSession(alone.SerializeToString())
    assert {value.name: value.shape for value in session.get_inputs()} == {
        name: list(values.shape) for name, values in feeds.items()
    }
    assert not session.get_overridable_initializers()
    expected = whole.decode(feeds["z"], noise=feeds.get("x_noise"))
    found = session.run(["x_tilde"], feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_unknown_output_is_refused(scripts):
    path = MODELS / "gan-digits" / "model.onnx"
    with pytest.raises(ValueError, match=r"model\.onnx has no output z_tilde"):
        scripts.interactive.mapper(path, "z_tilde", 1)


def test_another_archive_is_refused(tmp_path, scripts):
    (tmp_path / f"onnxruntime-web-{scripts.onnxruntime_web.VERSION}.tgz").write_bytes(b"another")
    with pytest.raises(ValueError, match="is not onnxruntime-web"):
        scripts.onnxruntime_web.files(tmp_path)


def test_documentation_without_npm(tmp_path, scripts, monkeypatch, capsys):
    folder = tmp_path / "interactive"
    folder.mkdir()
    (folder / "runtime.js").touch()  # of an earlier build
    monkeypatch.setattr(scripts.onnxruntime_web.pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(scripts.onnxruntime_web.shutil, "which", lambda name: None)
    monkeypatch.delenv("MIZOO_INTERACTIVE", raising=False)
    scripts.interactive.write(folder)
    assert not folder.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The page interactive.html is built without its models: npm")
    monkeypatch.setenv("MIZOO_INTERACTIVE", "required")
    with pytest.raises(ConnectionError, match="npm"):
        scripts.interactive.write(folder)
    monkeypatch.setenv("MIZOO_INTERACTIVE", "yes")
    with pytest.raises(ValueError, match="optional or required, not 'yes'"):
        scripts.interactive.write(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory, scripts):
    """The page, built alone; its path."""
    if PROGRAM is None:
        pytest.skip("Chromium is not installed")
    for name in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(name)
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS / "_static", source / "_static", ignore=shutil.ignore_patterns("interactive"))
    shutil.copy(DOCS / "interactive.md", source)
    (source / "conf.py").write_text(CONF)
    scripts.interactive.write(source / "_static" / "interactive")
    if not (source / "_static" / "interactive").exists():
        pytest.skip("onnxruntime-web cannot be downloaded")
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", str(source), str(out)], check=True)
    return out / "interactive.html"


@pytest.fixture(scope="module")
def page(site, tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.call("Page.enable")
        browser.call("Page.navigate", url=site.as_uri())
        for part in ("latent", "collision"):
            state = f"document.getElementById('{part}')?.dataset.state"
            assert browser.wait(f"{state} != 'loading' && {state}", SECONDS) == "ready"
        yield browser


def result(page, part):
    """What a part of the page shows: inputs and output of its model."""
    found = json.loads(page.evaluate(f"document.getElementById('{part}').dataset.result"))
    return {key: np.array(value) if key in "xznoise" else value for key, value in found.items()}


def changed(page, part, action):
    """What a part shows after an action that changes it."""
    shown = f"document.getElementById('{part}').dataset.result"
    page.evaluate(f"globalThis.before = {shown}; 0")
    action()
    page.wait(f"before !== {shown}", SECONDS)
    return result(page, part)


def draws_as_python(found):
    """Whether the detector events are those of onnxruntime in Python by the same noise; the events."""
    x, noise = found["x"].reshape(-1, 24), found["noise"].reshape(-1, 18)
    assert abs(noise.mean()) < 0.2
    assert abs(noise.std() - 1.0) < 0.2
    expected = model("flow-ttbar").decode(np.tile(found["z"], (len(x), 1)), noise=noise)
    np.testing.assert_allclose(x, expected, rtol=1e-3, atol=1e-3 * expected.std())
    return x


@pytest.mark.ci
def test_collision_is_that_of_python(page):
    found = result(page, "collision")
    events = draws_as_python(found)
    shown = {name: [one[name] for one in found["observables"]] for name in found["observables"][0]}
    for name, masses in reconstruct(events, mizoo.processes.ttbar).items():
        if name in shown:
            np.testing.assert_allclose(shown[name], masses, rtol=1e-5)
    np.testing.assert_allclose(shown["pt_e"], np.hypot(events[:, 0], events[:, 1]), rtol=1e-5)


@pytest.mark.ci
def test_slider_changes_the_collision(page):
    before = result(page, "collision")
    read = "document.querySelector('#collision .live-panel p').textContent"
    text = page.evaluate(read)
    page.evaluate("document.getElementById('collision-pt').focus()")
    after = changed(page, "collision", lambda: page.key("ArrowRight", 39))
    draws_as_python(after)
    partons = after["z"].reshape(6, 4)
    top = partons[[2, 4, 5]].sum(0)
    assert np.hypot(*top[:2]) == pytest.approx(125.0, rel=1e-5)
    assert np.sqrt(top[3] ** 2 - np.sum(top[:3] ** 2)) == pytest.approx(173.0, rel=1e-4)
    assert np.sqrt(max(partons[2, 3] ** 2 - np.sum(partons[2, :3] ** 2), 0)) == pytest.approx(4.8, abs=0.01)
    assert np.abs(partons[:, :2].sum(0)).max() < 1e-3
    assert not np.allclose(before["x"], after["x"])
    np.testing.assert_array_equal(before["noise"], after["noise"])
    assert page.evaluate(read) != text


@pytest.mark.ci
def test_other_noise_and_another_collision(page):
    before = result(page, "collision")
    click = "document.querySelector('#collision [data-action={}]').click()"
    drawn = changed(page, "collision", lambda: page.evaluate(click.format("noise")))
    np.testing.assert_array_equal(before["z"], drawn["z"])
    assert not np.allclose(before["noise"], drawn["noise"])
    draws_as_python(drawn)
    another = changed(page, "collision", lambda: page.evaluate(click.format("another")))
    draws_as_python(another)
    hint = "document.querySelector('#collision .live-hint').textContent"
    assert page.evaluate(hint) == ""
    changed(page, "collision", lambda: page.evaluate(click.format("reset")))  # a collision that is known
    page.evaluate("document.getElementById('collision-y_had').value = 2.5")
    press = "document.getElementById('collision-y_had').dispatchEvent(new Event('input'))"
    changed(page, "collision", lambda: page.evaluate(press))
    assert "Few training events are like this" in page.evaluate(hint)


@pytest.mark.ci
def test_drag_in_the_latent_plane(page):
    decoder = model("vae-digits")

    def check(found):
        expected = decoder.decode(found["z"][None])[0]
        np.testing.assert_allclose(found["x"], expected.ravel(), atol=1e-4)
        return found

    before = check(result(page, "latent"))
    page.evaluate("document.querySelector('.live-plane').scrollIntoView({behavior: 'instant'})")
    box = page.evaluate("document.querySelector('.live-plane').getBoundingClientRect().toJSON()")
    x, y = box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"]
    changed(page, "latent", lambda: page.mouse("mousePressed", x, y))
    after = check(changed(page, "latent", lambda: page.mouse("mouseMoved", x + box["width"] / 12, y)))
    page.mouse("mouseReleased", x, y)
    np.testing.assert_allclose(after["z"][:2], [2.0, 1.5], atol=0.02)
    np.testing.assert_array_equal(after["z"][2:], before["z"][2:])
    assert np.abs(after["x"] - before["x"]).max() > 0.1
    page.evaluate("document.querySelector('.live-plane').focus()")
    down = check(changed(page, "latent", lambda: page.key("ArrowDown", 40)))
    np.testing.assert_allclose(down["z"][:2] - after["z"][:2], [0.0, -0.1], atol=1e-5)


@pytest.mark.ci
def test_pictures_in_both_colours(page, tmp_path):
    for dark in (False, True):
        page.dark(dark)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.screenshot(path := tmp_path / f"interactive-{'dark' if dark else 'light'}.png")
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        assert pixels.mean() < 80 if dark else pixels.mean() > 200
        red = (pixels[..., 0] - pixels[..., 1:].max(-1)) > 60  # jets, histograms and sliders
        assert 2000 < red.sum() < 0.1 * red.size
    page.dark(False)


@pytest.mark.ci
def test_page_loads_at_once(page, site):
    """Of three times the shortest, as other processes may run meanwhile."""
    seconds = []
    for _ in range(3):
        page.call("Page.navigate", url=site.as_uri())
        state = "document.getElementById('collision')?.dataset.state"
        assert page.wait(f"performance.now() > 1 && {state} != 'loading' && {state}", SECONDS) == "ready"
        (entry,) = page.evaluate("performance.getEntriesByType('navigation').map((one) => one.toJSON())")
        seconds.append(entry["loadEventEnd"] / 1000)
    assert 0.0 < min(seconds) < 2.0


@pytest.mark.ci
def test_page_without_models_says_so(page, site, tmp_path):
    shutil.copytree(site.parent, tmp_path / "site", ignore=shutil.ignore_patterns("interactive"))
    page.call("Page.navigate", url=(tmp_path / "site" / site.name).as_uri())
    for part in ("latent", "collision"):
        page.wait(f"document.getElementById('{part}')?.dataset.state == 'failed'", SECONDS)
        text = page.evaluate(f"document.querySelector('#{part} .live-status').textContent")
        assert text == "This documentation was built without the models of this page."
