"""The pages of the documentation are correct."""

import importlib
import json
import re
import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from mizoo.presets.table import markdown

DOCS = Path(__file__).parents[1] / "docs"
sys.path.append(str(DOCS.parent / "tests" / "studies"))


def code(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.slow
def test_add_your_own_model(tmp_path, monkeypatch):
    """The code of the page runs unchanged, and does what the page promises."""
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    model_code, use = code("add_your_own_model.md")
    assert sum(bool(line.strip()) for line in model_code.splitlines()) < 30
    names = {"__name__": "page"}
    exec(model_code, names)
    exec(use, names)
    radius = np.linalg.norm(names["new"], axis=1)
    assert np.mean(np.abs(radius - 1.0) < 0.3) > 0.8
    angle = np.arctan2(names["new"][:, 1], names["new"][:, 0])
    assert np.histogram(angle, 8)[0].min() > 30
    error = np.linalg.norm(names["again"] - names["x"][:1000], axis=1)
    assert np.median(error) < 0.5
    again = keras.saving.load_model(tmp_path / "ali.keras")
    assert repr(again) == repr(names["model"]) == "<ali: 1·D_x_tilde>"
    again.export(tmp_path / "saved", verbose=False)


@pytest.mark.slow
def test_trained_models(monkeypatch):
    monkeypatch.chdir(DOCS.parent)
    names = {}
    for block in code("pretrained.md"):
        exec(block, names)
    assert names["x_new"].shape == (100, 24)
    np.testing.assert_array_equal(names["again"], names["model"].decode(names["events"].z, seed=1))


@pytest.mark.slow
def test_events_of_your_own(monkeypatch, capsys):
    monkeypatch.chdir(DOCS.parent)
    names = {}
    for block in code("events.md"):
        exec(block, names)
    first = next(line for line in capsys.readouterr().out.splitlines() if line.strip())
    count = int(first.split()[0])
    assert first == f"{count} ({count}, 24) ({count}, 24)"
    assert len(names["hard"]) > count


@pytest.mark.slow
def test_many_devices():
    names = {}
    for block in code("distributed.md"):
        exec(block, names)
    assert int(names["model"].optimizer.iterations) == 2


@pytest.mark.ci
@pytest.mark.parametrize("page", ["concepts.md", "architecture.md"])
def test_pages_run(page):
    names = {"__name__": "page"}
    for block in code(page):
        exec(block, names)
    if page == "architecture.md":
        data = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
        history = names["model"].fit({"x": data, "z": data[:, :2]}, verbose=0).history
        assert set(history) == {"loss", "L_x_hat", "D_z_tilde", "closeness_x_hat"}
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(names["model"]))
        assert repr(again) == repr(names["model"])


@pytest.mark.slow
def test_held_against_the_truth(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code("evaluation.md"):
        exec(block, names)
    assert "m_t_had" in capsys.readouterr().out
    assert set(names["report"].streams) == {"z_tilde", "x_tilde", "x_hat", "z_hat"}
    assert len(names["partons"]) == len(names["measured"])
    assert abs(names["held_out"].mean() - names["passed"][10_000:].mean()) < 0.03
    plt.close("all")


def test_benchmark_agrees_with_its_figures():
    """The tables are those that the studies write from the committed results."""
    page = (DOCS / "benchmark.md").read_text()
    found = json.loads((DOCS / "studies" / "benchmark.json").read_text())
    for name, cells in found["models"].items():
        row = " | ".join("–" if value is None else f"{value:.2f}" for value in cells)
        assert f"{name}` | {row} |" in page or f"{name} | {row} |" in page
    metrics = json.loads((DOCS.parent / "saved_models" / "gandalf-ttbar" / "metrics.json").read_text())
    shipped = list(metrics["cells"]["gandalf-ttbar"].values())
    np.testing.assert_allclose(found["models"]["gandalf"], shipped, atol=0.02)


@pytest.mark.ci
def test_table_of_models_is_that_of_the_models():
    table = markdown()
    assert table in (DOCS / "models.md").read_text()
    assert table in (DOCS.parent / "README.md").read_text()


def test_studies_agree_with_their_figures():
    page = (DOCS / "studies.md").read_text()
    for study in ("modes", "information"):
        for row in json.loads((DOCS / "studies" / f"{study}.json").read_text())["rows"]:
            values = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()]
            assert f"| {' | '.join(values)} |" in page


@pytest.mark.parametrize(
    "study", ["digits", "edges", "mnist", "showers", "ablation gandalf", "ablation turbosim"]
)
def test_tables_are_those_of_the_studies(study):
    rows = json.loads((DOCS / "studies" / f"{study.replace(' ', '_')}.json").read_text())["rows"]
    table = importlib.import_module(study.split()[0]).table(rows)
    assert f"<!-- {study} -->\n{table}<!-- end -->" in (DOCS / "studies.md").read_text()


def test_study_of_gandalf_agrees_with_its_figures():
    page = (DOCS / "studies.md").read_text()
    words = " ".join(page.split())
    found = json.loads((DOCS / "studies" / "gandalf.json").read_text())
    drawn = {str(r["evaluations"]): r for r in found["distances"]}
    drawn["training events"] = found["training events"]
    rows = [
        (name, *map("{:.2f}".format, [*r["cells"].values(), r["all at the threshold"]]))
        for name, r in drawn.items()
    ]
    rows += [(name, f"{v['auc']:.4f}", f"{v['error']:.4f}") for name, v in found["classifier"].items()]
    rows += [(f"`{name}`", *map("{:.1f}".format, v.values())) for name, v in found["coverage"].items()]
    rows += [(name, *map("{:.4f}".format, v.values())) for name, v in found["latent"].items()]
    for row in rows:
        assert f"| {' | '.join(row)} |" in page
    cells, true = (drawn[name]["cells"] for name in ("4", "training events"))
    average, of_true = (np.mean([*one.values()]) for one in (cells, true))
    assert f"are {average:.2f} on average, and true events have {of_true:.2f}." in words
    above = {name: value for name, value in cells.items() if value > found["threshold"]}
    said = re.search(r"Above the threshold (?:is|are) (.*?)\. ", words)
    named = dict(re.findall(r"`(\w+)` with ([\d.]+\d)", said[1])) if said else {}
    assert named == {name: f"{value:.2f}" for name, value in above.items()}
    shares = {k: max(abs(v["68 %"] - 68.0), abs(v["95 %"] - 95.0)) for k, v in found["coverage"].items()}
    assert len(shares) == 29
    wide = sum(share > 2.0 for share in shares.values())
    widest = max(shares, key=shares.get)
    assert f"For {wide} of the 29 observables" in words
    assert f"the most for `{widest}`, {shares[widest]:.1f} points" in words


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (DOCS / page).read_text()):
        if not target.startswith("http"):
            assert (DOCS / target).exists(), target
