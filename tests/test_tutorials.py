"""The tutorials run from top to bottom."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.md"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial(path, monkeypatch, tmp_path):
    cells = re.findall(r"```{code-cell} python\n(.*?)```", path.read_text(), re.DOTALL)
    assert cells
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "tutorial"}
    for cell in cells:
        exec(compile(cell, str(path), "exec"), names)
    plt.close("all")
