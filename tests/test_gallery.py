"""The gallery of the documentation has a picture and a correct page for every preset."""

import re
from pathlib import Path

import pytest
from PIL import Image

from mizoo.presets import PRESETS

DOCS = Path(__file__).parents[1] / "docs"
SECTIONS = ["Mathematics", "Options", "Use", "When to choose it"]


@pytest.fixture(scope="module")
def pages():
    """The module of the documentation that completes the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        import preset_pages

        yield preset_pages


def source(name):
    return (DOCS / "presets" / f"{name}.md").read_text()


def code(name):
    (block,) = re.findall(r"```python\n(.*?)```", source(name), re.DOTALL)
    return block


def test_every_preset_has_one_card(pages):
    listed = re.findall(r"<!-- cards: (.*?) -->", (DOCS / "gallery.md").read_text())
    names = [name for group in listed for name in group.split()]
    assert sorted(names) == sorted(PRESETS)
    assert {path.stem for path in (DOCS / "presets").glob("*.md")} == set(PRESETS)
    leads = [pages.lead(name) for name in names]
    assert all(20 < len(lead) < 160 and lead.endswith(".") for lead in leads)
    filled = pages.filled("gallery", (DOCS / "gallery.md").read_text())
    assert filled.count(":link: presets/") == len(PRESETS)
    assert f":img-top: gallery/vae.png\n:img-alt: vae\n\n{pages.lead('vae')}\n" in filled


@pytest.mark.parametrize("name", PRESETS)
def test_every_page_is_complete(name):
    text = source(name)
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == SECTIONS
    assert re.findall(r"<!-- (\w+) -->", text) == ["facts", "terms", "options"]
    assert f"{{figure}} ../gallery/{name}.png\n" in text
    others = re.findall(r"\]\((\w+)\.md\)", text.partition("## When to choose it")[2])
    assert set(others) - {name}
    assert set(others) <= set(PRESETS)
    for target in re.findall(r"\]\((\.\./[^)#]+)", text):
        assert (DOCS / "presets" / target).exists(), target
    assert len(code(name).strip().splitlines()) <= 8


@pytest.mark.parametrize("name", PRESETS)
def test_every_picture_has_the_same_size(name):
    path = DOCS / "gallery" / f"{name}.png"
    assert Image.open(path).size == (640, 400)
    assert path.stat().st_size < 40_000


SOON = ("vae", "otus")


@pytest.mark.parametrize(
    "name", [name if name in SOON else pytest.param(name, marks=pytest.mark.ci) for name in PRESETS]
)
def test_tables_are_those_of_the_model(name, pages):
    text = pages.filled(f"presets/{name}", source(name))
    assert "<!--" not in text
    model = PRESETS[name].factory()
    for objective in model.active:
        (row,) = re.findall(rf"^\| `{objective.term}` \| .*", text, re.MULTILINE)
        assert f" | {objective.weight:.4g} | " in row
    options = pages.accepted(name)
    assert {"name", "learning_rate"} <= set(options) <= set(PRESETS[name].arguments)
    for option, default in options.items():
        assert re.search(rf"^\| .*`{option}`.* \| .*`{re.escape(repr(default))}`", text, re.MULTILINE)


def test_options_that_a_preset_sets_itself_are_left_out(pages):
    assert "stochastic" in PRESETS["vae"].arguments
    assert "stochastic" not in pages.accepted("vae")
    assert "stochastic" in pages.accepted("ae")
    assert "weights" not in pages.accepted("flow")


def test_meanings_are_found_where_docstrings_refer_to(pages):
    row = r"| `r1` | `1.0` | weight of \|gradient\|²/2 at real events (arXiv 1801.04406). |"
    assert row in pages.options("gan")
    assert "number of components of z" in pages.options("beta_vae")


def test_stages_have_weights_of_their_own(pages):
    table = pages.terms("otus")
    assert "| term | weight | weight in the last 1% of the epochs |" in table
    assert "| `D_x_tilde` | – | 1 |" in table


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_code_runs(name, monkeypatch):
    monkeypatch.chdir(DOCS.parent)
    names = {}
    exec(code(name), names)
    assert len(names) > 3
