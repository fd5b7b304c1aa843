"""The README is correct."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import mizoo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_two_commands():
    assert [block.count("\n") for block in blocks("sh")] == [1, 1]


@pytest.mark.slow
def test_examples_run(monkeypatch, capsys, tmp_path):
    """The three ways to begin, as they are, in a checkout."""
    monkeypatch.chdir(ROOT)
    events, images, saved = blocks("python")[:3]
    names = {}
    exec(events, names)
    assert names["z_new"].shape == (len(names["events"]), 100, 16)
    assert "x_tilde" in capsys.readouterr().out
    exec(images.replace("vae.keras", f"{tmp_path}/vae.keras"), names)
    assert names["new"].shape == (16, 8, 8, 1)
    true = names["images"].test.x
    assert np.abs(names["again"] - true).mean() < 0.5 * np.abs(true.mean(0) - true).mean()
    assert keras.saving.load_model(tmp_path / "vae.keras").name == "vae"
    exec(saved, names)
    assert names["many"].shape == (10_000, 8)
    electron = names["many"].numpy()[:, :4]
    assert np.abs(np.median(electron, 0) - names["z"][0, :4]).max() < 5.0


@pytest.mark.ci
def test_examples_name_what_there_is():
    events, images, saved = blocks("python")[:3]
    for block in (events, images, saved):
        compile(block, "README.md", "exec")
        for name in re.findall(r"mizoo\.([\w.]+)\(", block):
            target = mizoo
            for part in name.split("."):
                target = getattr(target, part)
            assert callable(target)
    exec(images.replace("epochs=50", "epochs=1").partition("model.save")[0], {})


@pytest.mark.ci
def test_example_of_a_container_runs():
    names = {}
    exec(blocks("python")[3], names)
    model = names["aae"]
    model.compile("adam")
    x, z = np.random.default_rng(0).normal(size=(2, 32, 8)).astype("float32")
    history = model.fit({"x": x, "z": z[:, :2]}, verbose=0).history
    assert set(history) == {"loss", "L_x_hat", "D_z_tilde", "critic_z_tilde"}
    assert model.streams == ["z_tilde"]


@pytest.mark.parametrize("name", ["gandalf-ttbar", "turbosim-ttbar", "turbosim-original-ttbar"])
def test_table_agrees_with_the_shipped_metrics(name):
    metrics = json.loads((ROOT / "saved_models" / name / "metrics.json").read_text())
    for row, values in metrics["cells"].items():
        cells = " | ".join(f"{value:.2f}" for value in values.values())
        assert f"| {row} | {cells} |" in README


def test_mean_of_draws_is_that_of_the_study():
    found = json.loads((ROOT / "docs" / "studies" / "gandalf.json").read_text())
    (shipped,) = (run for run in found["distances"] if run["evaluations"] == 4)
    mean = shipped["cells"]["m_w_had"]
    assert f"`m_w_had` of the first row is {mean:.2f} in the mean of twenty" in README
