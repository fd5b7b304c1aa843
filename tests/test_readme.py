"""The README is correct."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_two_commands():
    assert [block.count("\n") for block in blocks("sh")] == [1, 1]


@pytest.mark.ci
def test_python_blocks_name_what_there_is():
    import mizoo

    first, second, third = blocks("python")
    compile(first, "README.md", "exec")
    for name in re.findall(r"mizoo\.([\w.]+)\(", first):
        target = mizoo
        for part in name.split("."):
            target = getattr(target, part)
        assert callable(target)
    names = {}
    exec(second, names)
    model = names["aae"]
    model.compile("adam")
    x, z = np.random.default_rng(0).normal(size=(2, 32, 8)).astype("float32")
    history = model.fit({"x": x, "z": z[:, :2]}, verbose=0).history
    assert set(history) == {"loss", "L_x_hat", "D_z_tilde", "critic_z_tilde"}
    assert model.streams == ["z_tilde"]
    exec(third.replace("epochs=100", "epochs=1"), {"mizoo": mizoo})


@pytest.mark.parametrize("name", ["gandalf-ttbar", "turbosim-ttbar", "turbosim-original-ttbar"])
def test_table_agrees_with_the_shipped_metrics(name):
    metrics = json.loads((ROOT / "saved_models" / name / "metrics.json").read_text())
    for row, values in metrics["cells"].items():
        cells = " | ".join(f"{value:.2f}" for value in values.values())
        assert f"| {row} | {cells} |" in README


def test_mean_of_draws_is_that_of_the_study():
    found = json.loads((ROOT / "docs" / "studies" / "gandalf.json").read_text())
    (shipped,) = (run for run in found["distances"] if run["evaluations"] == 8)
    mean = shipped["cells"]["m_w_had"]
    assert f"`m_w_had` of the first row is {mean:.2f} in the mean of twenty" in README
