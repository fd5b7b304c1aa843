"""The benchmark of GPUs, with parts of the CPU in their place."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests" / folder) for folder in ("benchmarks", "studies")]

import gpu  # noqa: E402

# A process that prints a row for each case, and does something else first for the case of some preset.
CHILD = """
import json, os, sys, time
for case in json.loads(sys.argv[-1]):
    if case["preset"] == "otus": time.sleep(60)
    if case["preset"] == "flow": os._exit(9)
    print(json.dumps({**case, "steps": 1.0}), flush=True)
    if case["preset"] == "aae": break
"""
ARGUMENTS = ["--batch", "20", "--draws", "30", "--seconds", "0", "--small", "--presets", "pix2pix"]


def cases(*presets):
    return [gpu.Case("speed", preset, "float32") for preset in presets]


def collected(budget, limit, *presets):
    command = [sys.executable, "-c", CHILD]
    return {row["preset"]: row for row in gpu.collect(cases(*presets), command, budget, limit)}


def test_the_plan_is_in_the_order_of_the_documentation():
    found = gpu.plan(["aae", "otus"], ["float32", "TF32"], devices=2)
    assert len(found) == len(set(found)) == 16
    stages = [(case.what, case.xla, case.devices, case.precision) for case in found]
    assert list(dict.fromkeys(stages)) == [
        ("agreement", False, 1, "float32"),
        *(("speed", False, 1, precision) for precision in ("float32", "TF32")),
        ("agreement", False, 1, "TF32"),
        *(("speed", True, 1, precision) for precision in ("float32", "TF32")),
        *(("speed", False, 2, precision) for precision in ("float32", "TF32")),
    ]
    assert [case.preset for case in found] == ["aae", "otus"] * 8
    assert not any(case.devices > 1 for case in gpu.plan(["aae"], ["TF32"], devices=1))


def test_a_process_that_ends_or_hangs_costs_one_row(monkeypatch):
    monkeypatch.setattr(gpu, "START", 1.0)
    rows = collected(20.0, 0.5, "gandalf", "flow", "aae", "otus", "bibae")
    assert list(rows) == ["gandalf", "flow", "aae", "otus", "bibae"]
    assert {name: row.get("failed") for name, row in rows.items()} == {
        "gandalf": None, "flow": "the process ended", "aae": None,
        "otus": "took longer than 0 s", "bibae": None,
    }  # fmt: skip


def test_the_budget_is_kept():
    start = time.monotonic()
    assert list(collected(1.0, 60.0, "gandalf", "otus", "aae")) == ["gandalf"]
    assert time.monotonic() - start < 5.0


@pytest.mark.parametrize(
    ("draw", "loss", "precision", "agrees"),
    [
        (0.0, 0.0, "float32", True), (0.02, 0.0, "float32", False), (0.02, 0.0, "TF32", True),
        (0.0, 0.02, "float32", False), (0.2, 0.02, "bfloat16", True), (np.nan, 0.0, "TF32", False),
        (0.0, np.nan, "bfloat16", False),
    ],
)  # fmt: skip
def test_agreement_is_that_of_draws_and_of_losses(draw, loss, precision, agrees):
    draws = np.random.default_rng(0).choice([-1.0, 1.0], (1000, 4))
    found = gpu.compared(precision, draws, draws + draw, {"a": 0.5, "b": 2.0}, {"a": 0.5 + loss, "b": 2.0})
    assert found["agrees"] is agrees
    assert found["largest"] == pytest.approx(draw, rel=0.01, nan_ok=True)


def test_one_jet_in_another_place_counts_in_float32_alone():
    draws = np.random.default_rng(0).normal(size=(1000, 4))
    others = draws.copy()
    others[0] = draws[0, ::-1]
    losses = ({"loss": 1.0}, {"loss": 1.0})
    assert not gpu.compared("float32", draws, others, *losses)["agrees"]
    assert gpu.compared("TF32", draws, others, *losses)["agrees"]


def test_tables_have_every_row():
    case = {"preset": "otus", "precision": "TF32", "xla": False, "devices": 1}
    speed = {"what": "speed", **case, "steps": 12.34, "events": 1234.0, "decode": 5e6}
    same = {"largest": 0.25, "99 %": 0.01, "loss": 1e-4, "loss of": "D_x", "agrees": False}
    found = gpu.tables([
        speed, {"what": "agreement", **case, **same}, {"what": "agreement", **case, "failed": "no memory"},
        {"what": "speed", **case, "failed": "took longer"},
    ])  # fmt: skip
    assert "| `otus` | TF32 | no | 1 | 12.3 | 1.23e+03 | 5e+06 | – |" in found
    assert "| `otus` | TF32 | no | 1 | took longer | – | – | – |" in found
    assert "| `otus` | TF32 | 0.2 | 0.01 | 0.0001 | no (D_x) |" in found
    assert "| `otus` | TF32 | no memory | – | – | – |" in found
    assert len({line.count("|") for line in found.split("\n\n")[0].splitlines()}) == 1


def test_the_presets_are_those_of_processes():
    assert set(gpu.PRESETS_OF_PROCESSES) == {
        name for name, preset in gpu.mizoo.presets.PRESETS.items() if preset.takes_process
    }


def test_without_a_gpu_it_says_how_to_try_it(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    monkeypatch.setattr(gpu.tf.config, "list_physical_devices", lambda kind=None: [])
    with pytest.raises(SystemExit, match="TensorFlow lists no GPU: `--cpus 2 --small`"):
        gpu.main()


@pytest.mark.ci
def test_rows_are_measured():
    args = gpu.parser().parse_args([*ARGUMENTS, "--process", "zee"])
    row = gpu.measure(gpu.Case("speed", "pix2pix", "bfloat16"), ["CPU:0"], args)
    assert row["events"] == pytest.approx(20 * row["steps"])
    assert row["decode"] > 0.0
    assert "encode" not in row  # pix2pix has none
    row = gpu.measure(gpu.Case("agreement", "pix2pix", "float32"), ["CPU:0"], args)
    assert row["agrees"]
    assert row["largest"] == 0.0


@pytest.mark.slow
def test_the_script_runs_on_parts_of_a_cpu(tmp_path):
    command = [sys.executable, ROOT / "tests" / "benchmarks" / "gpu.py", *ARGUMENTS, "--cpus", "2"]
    words = ["--precisions", "float32", "bfloat16", "--out", tmp_path / "gpu.json", "--budget", "300"]
    shown = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert shown.returncode == 0, shown.stderr[-3000:]
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert content["left out"] == []
    rows = content["rows"]
    assert [row["devices"] for row in rows if row["what"] == "speed"] == [1, 1, 1, 1, 2, 2]
    assert all(row["steps"] > 0.0 for row in rows if row["what"] == "speed")
    assert all(row["agrees"] for row in rows if row["what"] == "agreement")
    assert {"name", "gpus", "cuda", "keras", "tensorflow", "mizoo"} <= set(content["machine"])
    assert gpu.tables(rows) in shown.stdout


def test_the_page_says_that_nothing_was_measured():
    text = (ROOT / "docs" / "performance.md").read_text()
    section = text.split("\n## GPUs\n")[1].split("\n## ")[0]
    assert "not measured" in section
    assert "python tests/benchmarks/gpu.py" in section
