import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mizoo import cli, datasets, presets
from mizoo.datasets import write
from mizoo.evaluation import report
from mizoo.export import load
from mizoo.presets import registry, table
from mizoo.presets.registry import Preset
from mizoo.training.backup import Backup

pytestmark = pytest.mark.usefixtures("eagerly")

runner = CliRunner()


def command(*words, expect=0):
    """Run a command line; its output, with errors as `main` prints them."""
    result = runner.invoke(cli.app, [str(word) for word in words])
    text = result.output + (f"{result.exception}" if result.exception else "")
    assert (result.exit_code == 0) == (expect == 0), text
    return text


@pytest.fixture
def tiny(monkeypatch, few):
    """The original Turbo-Sim with half of its terms as a preset `tiny`, few events as the packaged ones."""

    def factory(process=None, weights=None):
        off = dict.fromkeys(("D_z_tilde", "D_x_tilde", "L_z_hat"), 0.0)
        return presets.turbosim(process, original=True, weights={**off, **(weights or {})})

    monkeypatch.setitem(presets.PRESETS, "tiny", Preset(factory, "none", "pairs", "ttbar"))
    monkeypatch.setitem(registry.DEMONSTRATIONS, "ttbar", lambda: few)
    monkeypatch.setattr(datasets, "ttbar", lambda: few)


TRAIN = ("train", "tiny", "--batch-size", 100, "--epochs", 2)


def test_presets_are_listed():
    assert "turbosim" in command("presets")


@pytest.mark.ci
def test_training_leaves_a_run_and_evaluation_reads_it(tiny, tmp_path, monkeypatch):
    drawn = []  # figures take longer than all else; those of a report are tested in `test_evaluation`
    monkeypatch.setattr(report, "draw", lambda report, directory: drawn.append(directory))
    run = tmp_path / "run"
    assert "model.keras" in command(*TRAIN, "--out", run)
    for name in (
        "config.json",
        "log.txt",
        "metrics.csv",
        "tensorboard",
        "backup",
        "best.weights.h5",
        "model.keras",
    ):
        assert (run / name).exists(), name
    rows = (run / "metrics.csv").read_text().splitlines()
    assert len(rows) == 3
    assert {"epoch", "seconds", "L_z_tilde", "val_ks", "critic_x_hat"} <= set(rows[0].split(","))
    text = command("evaluate", run, "--out", tmp_path / "report")
    assert "Turbo-Sim" in text
    assert "m_t_had" in text
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["events"] == 200
    assert drawn == [tmp_path / "report" / "figures"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny", "vae"])
def test_interrupted_run_resumes_to_the_same_weights(preset, tiny, tmp_path, monkeypatch):
    from mizoo.training import backup

    train = TRAIN
    if preset == "vae":  # which draws its latent at random
        np.savez(tmp_path / "my.npz", np.random.default_rng(0).normal(size=(100, 3)))
        train = ("train", "vae", "--data", tmp_path / "my.npz", "--batch-size", 40, "--epochs", 2)
    command(*train, "--out", tmp_path / "whole")

    class Interruption(Exception):
        pass

    save = backup.Backup.on_epoch_end

    def fail(self, epoch, logs=None):
        save(self, epoch, logs)
        raise Interruption

    with monkeypatch.context() as patch:
        patch.setattr(backup.Backup, "on_epoch_end", fail)
        command(*train, "--out", tmp_path / "cut", expect=1)
    command(*train, "--out", tmp_path / "cut", "--resume")
    import keras

    whole, cut = (keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "cut"))
    for a, b in zip(whole.weights, cut.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len((tmp_path / "cut" / "metrics.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_epochs_without_a_measurement_are_not_kept(tiny, tmp_path):
    command(*TRAIN, "--select-from", 1, "--out", tmp_path / "run")
    last = presets.PRESETS["tiny"].factory()
    last.schedule(1e-4, steps=4)
    assert Backup(tmp_path / "run" / "backup").resume(last) == (2, 0)
    for a, b in zip(load(tmp_path / "run").weights, last.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_training_on_a_file(tiny, few, tmp_path):
    write(tmp_path / "own.h5", few.train)
    command(*TRAIN, "--data", tmp_path / "own.h5", "--out", tmp_path / "run")
    assert "160 events" in (tmp_path / "run" / "log.txt").read_text()
    write(tmp_path / "few.h5", few.train[:9])
    message = command(*TRAIN, "--data", tmp_path / "few.h5", "--out", tmp_path / "other", expect=1)
    assert "at least 10 events, got 9" in message
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--batch-size", 201), "a batch of 201 needs as many events, got 200"),
        (("--batch-size", 50, "--set", 'weights={"L_z_tilde": 1, "D_q": 1}'), "'q'"),
        pytest.param(
            ("--batch-size", 50, "--start", "turbosim-ttbar"),
            "the encoder of the model to start from",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_recipe_that_makes_no_sense_leaves_no_run(tiny, tmp_path, words, message):
    assert message in command("train", "tiny", "--out", tmp_path / "run", *words, expect=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_training_starts_from_another(tiny, tmp_path):
    train = ("train", "tiny", "--batch-size", 50, "--epochs")
    command(*train, 2, "--out", tmp_path / "first")
    words = (*train, 1, "--start", tmp_path / "first")
    command(*words, "--out", tmp_path / "second")
    first, second = (
        (tmp_path / run / "metrics.csv").read_text().splitlines() for run in ("first", "second")
    )
    place = first[0].split(",").index("L_x_hat")
    begun, ended, gone_on = (float(line.split(",")[place]) for line in (*first[1:3], second[1]))
    assert gone_on - ended < 0.5 * (begun - ended)  # and not from where the first one began
    assert "has another start" in command(*words[:-2], "--out", tmp_path / "second", "--resume", expect=1)
    shutil.rmtree(tmp_path / "first")
    command(*words, "--out", tmp_path / "second", "--resume")  # all that it needs is in the backup


@pytest.mark.slow
def test_runs_are_not_overwritten_nor_mixed(tiny, tmp_path):
    run = tmp_path / "run"
    command(*TRAIN, "--out", run, "--resume")  # there is none yet: it begins
    assert "holds a run" in command(*TRAIN, "--out", run, expect=1)
    message = command(*TRAIN, "--out", run, "--resume", "--seed", 7, expect=1)
    assert "has another seed" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "turbosin"), "no preset 'turbosin'; there are"),
        (("train", "tiny", "--set", "units"), "NAME=VALUE"),
        (("train", "tiny", "--epochs", 0), "epochs"),
        (("train", "tiny", "--data", "nowhere.h5"), "nowhere.h5: no such file"),
        (("train", "tiny", "--set", "size=3"), "tiny has no argument 'size'; it has process, weights"),
        (("evaluate", "turbosim-ttbr"), "no trained model 'turbosim-ttbr'"),
        (("evaluate", "tiny", "--split", "best"), "train, validation or test, not 'best'"),
        (("simulate", "nothing", "nowhere.h5"), "nowhere.h5: no such file"),
    ],
)
def test_wrong_arguments_are_told(tiny, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    text = command(*words, expect=1)
    assert message in " ".join(text.replace("│", " ").split())


@pytest.mark.ci
def test_simulate_and_unfold_write_events(tiny, few, tmp_path):
    run = tmp_path / "run"
    command(*TRAIN, "--out", run)
    write(tmp_path / "in.h5", few.test)
    assert "200 events" in command("simulate", run, tmp_path / "in.h5", "--out", tmp_path / "x.h5")
    command("unfold", run, tmp_path / "in.h5", "--out", tmp_path / "z.h5")
    with h5py.File(tmp_path / "x.h5") as simulated, h5py.File(tmp_path / "z.h5") as unfolded:
        assert simulated["ROL"].shape == unfolded["FDL"].shape == (200, 24)
        assert list(simulated) == ["ROL"]
    words = ("unfold", run, tmp_path / "in.h5", "--samples", 3, "--seed", 1, "--out")
    assert "3 draws of each of 200 events are in" in command(*words, tmp_path / "posterior.parquet")
    rows = pd.read_parquet(tmp_path / "posterior.parquet")
    assert rows["event"].tolist() == np.repeat(range(200), 3).tolist()
    assert rows["sample"].tolist() == [0, 1, 2] * 200
    write(tmp_path / "lone.h5", few.test.only("z"))
    assert "needs x" in command("unfold", run, tmp_path / "lone.h5", "--out", tmp_path / "w.h5", expect=1)
    assert not (tmp_path / "w.h5").exists()


def test_main_prints_one_line_for_an_expected_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mizoo", "evaluate", "nowhere"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert capsys.readouterr().err.startswith("mizoo: no trained model 'nowhere'")


def test_table_has_a_row_for_every_preset(monkeypatch):
    """The table of some presets; that of all is compared with the documentation elsewhere."""
    some = {name: presets.PRESETS[name] for name in ("vae", "gan", "pix2pix")}
    monkeypatch.setattr(table, "PRESETS", some)
    text = command("presets", "--table")
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == list(some)


@pytest.mark.slow
def test_arrays_of_ones_own_train_any_preset(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, size=(100, 6, 5)).astype("uint8")
    np.savez(tmp_path / "my.npz", images)
    words = (
        "--data",
        tmp_path / "my.npz",
        "--epochs",
        1,
        "--set",
        "latent=3",
        "--set",
        "learning_rate=0.01",
    )
    command("train", "vae", *words, "--out", tmp_path / "run")
    recipe = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]
    assert recipe["options"] == {"x": [6, 5, 1], "latent": 3, "learning_rate": 0.01}
    assert recipe["batch_size"] == 8
    model = load(tmp_path / "run")
    sample = model.sample(5).numpy()
    assert sample.shape == (5, 6, 5, 1)
    assert 0.0 <= sample.min() < sample.max() <= 255.0


@pytest.mark.slow
def test_a_preset_trains_on_its_demonstration(tmp_path):
    command("train", "swae", "--epochs", 1, "--out", tmp_path / "run")
    recipe = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]
    assert (recipe["options"], recipe["batch_size"]) == ({}, 100)
    header, row = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert 0.0 < float(dict(zip(header.split(","), row.split(","), strict=True))["val_frechet"]) < 1e4


def test_pairs_are_asked_for_where_they_are_needed(tmp_path):
    np.savez(tmp_path / "my.npz", x=np.random.default_rng(0).normal(size=(50, 3)))
    assert "pix2pix needs z" in command("train", "pix2pix", "--data", tmp_path / "my.npz", expect=1)


@pytest.mark.ci
def test_files_are_compared_and_histories_drawn(few, tmp_path):
    for name, events in (("truth", few.test), ("made", few.validation)):
        write(tmp_path / f"{name}.parquet", events)
    words = ["compare", tmp_path / "truth.parquet", tmp_path / "made.parquet"]
    output = command(*words)
    assert "made on 200 events" in output
    assert "m_t_had" in output
    (tmp_path / "metrics.csv").write_text("epoch,loss,val_loss\n0,2,3\n1,1,2\n")
    command("history", tmp_path, "--out", tmp_path / "history")
    assert (tmp_path / "history.pdf").stat().st_size > 1000
