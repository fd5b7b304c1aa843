"""The scripts of the documentation: they start, and say what they do."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDERS = [Path(__file__).parent / name for name in ("benchmarks", "studies")]
SCRIPTS = sorted(
    path for folder in FOLDERS for path in folder.glob("*.py") if "def main(" in path.read_text()
)


def run(path, words, monkeypatch):
    monkeypatch.setattr(sys, "path", [*map(str, FOLDERS), *sys.path])
    monkeypatch.setattr(sys, "argv", [path.name, *words])
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    return runpy.run_path(str(path), run_name="__main__")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_prints_its_help(path, monkeypatch, capsys):
    with pytest.raises((SystemExit, ModuleNotFoundError)) as end:
        run(path, ["--help"], monkeypatch)
    if isinstance(end.value, ModuleNotFoundError):
        assert end.value.name == "torch"  # which no extra of mizoo has
        pytest.skip("needs PyTorch")
    assert end.value.code == 0
    first = path.read_text().removeprefix('"""').partition("\n")[0]
    assert " ".join(first.split()) in " ".join(capsys.readouterr().out.split())


def test_networks_of_images_are_compared(monkeypatch, tmp_path):
    words = ["vae", "--steps=1", "--rounds=1", "--batch=2", f"--out={tmp_path}"]
    run(FOLDERS[0] / "image_networks.py", words, monkeypatch)
    assert "vae" in (tmp_path / "image_networks.json").read_text()
