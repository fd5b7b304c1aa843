"""The package index has another author's package of our name: no page or message may refer to it."""

import configparser
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("mizoo", "docs", "tutorials", "tests", "saved_models", ".ci")
SUFFIXES = (".md", ".py", ".cfg", ".toml", ".cff", ".txt", ".rst", ".json", ".sh", "")
# A wheel is a file, and has its own name; anything else of this name comes from the index.
FROM_INDEX = re.compile(
    r"(?:pip3?|uv|pipx|conda|mamba|poetry)\s+(?:install|add)\b[^\n&|;`]*?[\s\"'=]mizoo(?:-keras)?(?![\w/.-])"
    r"|\bmizoo(?:[-_]keras)?\[",
    re.IGNORECASE,
)


def pages():
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in SUFFIXES)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            built = {"_build", "jupyter_execute", "__pycache__"} & set(path.parts)
            if path.is_file() and path.suffix in SUFFIXES and not built and path != Path(__file__):
                yield path


def test_nobody_is_sent_to_the_index():
    found = []
    for path in pages():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FROM_INDEX.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "words",
    [
        "pip install mizoo",
        'pip install "mizoo[hep]"',
        "pip install -U 'mizoo'",
        "python -m pip install mizoo==0.5",
        "uv pip install mizoo",
        "needs the extra mizoo[onnx]",
        "pip install mizoo-keras",
    ],
)
def test_what_would_be_found(words):
    assert FROM_INDEX.search(words)


@pytest.mark.parametrize(
    "words",
    [
        'pip install ".[hep]"',
        "pip install mizoo_keras-0.1.0-py3-none-any.whl",
        "pip install mizoo_keras-*.whl",
        "pip install . && mizoo evaluate turbosim-ttbar --out results",
    ],
)
def test_what_is_right(words):
    assert not FROM_INDEX.search(words)


def test_name_of_the_distribution():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["name"] == "mizoo-keras"
    assert "mizoo = mizoo.cli:main" in setup["options.entry_points"]["console_scripts"]
    code = r"importlib\.metadata|pkg_resources"
    command = ["grep", "-rlE", code, "--include=*.py", "mizoo"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == ""
