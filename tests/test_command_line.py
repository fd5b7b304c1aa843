"""The command line on data other than tt̄ events, and its errors: one line each, never a traceback."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo import cli, load, presets
from mizoo.datasets import read_arrays, write
from mizoo.datasets.lock import sole_writer
from mizoo.presets.data import read_data, training_data
from mizoo.training import recipe as training
from mizoo.training.publish import ship
from mizoo.training.recipe import Recipe, history

pytestmark = pytest.mark.usefixtures("eagerly")

SHORT = ("--epochs", 1, "--batch-size", 48)


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs `mizoo` as from a shell: what it prints, its errors, and the status."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["mizoo", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        text = capfd.readouterr()
        lines = [line for line in text.err.splitlines() if line.startswith("mizoo: ")]
        assert "Traceback" not in text.err
        return text.out, lines, stop.value.code

    return run


@pytest.fixture
def fails(run):
    """Runs `mizoo`, which must fail with one line, and returns the line."""

    def fails(*words, status=1):
        _, lines, code = run(*words)
        assert code == status, lines
        assert len(lines) == 1, lines
        assert len(lines[0]) <= 320
        return lines[0]

    return fails


@pytest.fixture
def works(run):
    def works(*words):
        out, lines, code = run(*words)
        assert code == 0, lines
        return " ".join(out.split())

    return works


def arrays(count=100, x=4, z=3, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, z))
    return {"x": noise @ rng.normal(size=(z, x)) + 0.1 * rng.normal(size=(count, x)), "z": noise}


@pytest.fixture(scope="module")
def base(tmp_path_factory, eagerly):
    """Files of all kinds, and two runs: `pairs` of vectors, of two files, and `faces` of images."""
    base = tmp_path_factory.mktemp("own")
    np.savez(base / "a.npz", **arrays(100))
    np.savez(base / "b.npz", **arrays(60, seed=1))
    np.savez(base / "wide.npz", **arrays(60, x=8, z=8))
    images = np.random.default_rng(0).integers(0, 256, (60, 6, 5)).astype("uint8")
    np.savez(base / "faces.npz", images)
    with h5py.File(base / "zee.h5", "w") as file:
        for name in ("ROL", "FDL"):
            file[name] = arrays(60, x=8, z=8)["x"]
    for name, preset, files in (
        ("pairs", "cyclegan", ["a.npz", "b.npz"]),
        ("faces", "vae", ["faces.npz"]),
    ):
        split, shapes, source = training_data(preset, [base / file for file in files])
        recipe = Recipe(preset, shapes, epochs=1, batch_size=40)
        training.train(recipe, split, base / name, verbose=0, source=source)
    return base


@pytest.fixture
def inside(base, monkeypatch, tmp_path):
    """A copy of the files as the working directory; the runs know those of `base`."""
    shutil.copytree(base, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"


# ------------------------------------------------------------------ own data


@pytest.mark.ci
def test_a_run_notes_its_data(base):
    record = json.loads((base / "pairs" / "config.json").read_text())["data"]
    assert [file["name"] for file in record["files"]] == ["a.npz", "b.npz"]
    assert all(len(file["sha256"]) == 64 for file in record["files"])
    assert record["events"] == 160
    assert record["shapes"] == {"x": [4], "z": [3]}
    assert record["process"] is None
    assert history(base / "pairs")["data"] == record


@pytest.mark.ci
def test_train_and_resume_note_the_same_data(works, fails, inside):
    words = ("train", "vae", "--data", "faces.npz", *SHORT, "--set", "latent=2", "--out", "run")
    works(*words)
    assert json.loads((inside / "run" / "config.json").read_text())["data"]["events"] == 60
    shutil.move("faces.npz", "moved.npz")
    works(*("moved.npz" if word == "faces.npz" else word for word in words), "--resume")
    images = np.load("moved.npz")["arr_0"]
    np.savez("faces.npz", images[::-1])
    assert "was trained on other data: faces.npz" in fails(*words, "--resume")


def test_several_files_are_all_read(base):
    split, _, record = training_data("cyclegan", [base / "a.npz", base / "b.npz"])
    joined = np.concatenate([read_arrays(base / name).x for name in ("a.npz", "b.npz")])
    np.testing.assert_array_equal(split.test.x, joined[-16:])
    assert record["events"] == 160


@pytest.mark.ci
@pytest.mark.parametrize("order", [1, -1])
def test_a_mixture_of_kinds_is_refused(fails, inside, order):
    words = [word for file in ["a.npz", "zee.h5"][::order] for word in ("--data", file)]
    for command in (("train", "cyclegan"), ("evaluate", "pairs"), ("export", "pairs", "out")):
        line = fails(*command, *words)
        assert "a.npz" in line
        assert "zee.h5" in line


@pytest.mark.ci
def test_evaluation_is_on_events_that_the_run_has_not_seen(works, inside):
    own = works("evaluate", "pairs", "--out", "results")
    assert "on 16 events" in own
    assert works("evaluate", "pairs", "--out", "results").split("table and")[0] == own.split("table and")[0]
    same = works("evaluate", "pairs", "--data", "a.npz", "--data", "b.npz")
    assert same == own.split(" table and")[0]
    assert "on 128 events" in works("evaluate", "pairs", "--split", "train")
    assert "on 48 events" in works("evaluate", "faces", "--split", "train")
    np.savez("new.npz", **arrays(50, seed=5))
    assert "on 50 events" in works("evaluate", "pairs", "--data", "new.npz")


@pytest.mark.ci
def test_files_of_a_run_must_be_the_same_ones(fails, works, inside):
    assert "b.npz is one of the 2 files" in fails("evaluate", "pairs", "--data", "b.npz")
    assert "one of the 2 files" in fails("evaluate", "pairs", "--data", "b.npz", "--data", "a.npz")
    config = json.loads((inside / "pairs" / "config.json").read_text())
    config["data"]["files"][1]["path"] = str(inside / "b.npz")
    (inside / "pairs" / "config.json").write_text(json.dumps(config))
    np.savez("b.npz", **arrays(60, seed=2))
    line = fails("evaluate", "pairs")
    assert "b.npz is not the file that the model was trained on" in line
    (inside / "b.npz").unlink()
    assert "b.npz: no such file; the model was trained on it: give it as --data" in fails(
        "export", "pairs", "m"
    )


@pytest.mark.ci
def test_no_model_is_compared_with_events_of_another_shape(fails, inside):
    assert "x has shape (n, 8), and pairs takes (n, 4)" in fails("evaluate", "pairs", "--data", "wide.npz")
    assert "x has shape (n, 4), and faces takes (n, 6, 5, 1)" in fails(
        "evaluate", "faces", "--data", "a.npz"
    )
    assert "zee.h5" in fails("evaluate", "pairs", "--data", "zee.h5")


def test_what_is_not_known_is_asked_for(fails, works, inside):
    model = presets.vae(x=(4,), latent=2)
    model.adapt(read_arrays("a.npz").only("x"))
    model.save("plain.keras")
    (inside / "plain").mkdir()
    shutil.move("plain.keras", "plain/model.keras")
    assert "does not say what it was trained on: give files as --data" in fails("evaluate", "plain")


@pytest.mark.slow
def test_export_writes_everything_and_a_card_of_own_data(works, fails, inside):
    pytest.importorskip("tf2onnx")
    works("export", "pairs", "models/mine")
    card = (inside / "models" / "mine" / "README.md").read_text()
    assert "own data: `a.npz` and `b.npz`, arrays x (n, 4), z (n, 3), n = 160" in card
    assert "tt̄" not in card
    assert "in GeV" not in card
    assert "--data a.npz --data b.npz" in card
    assert "16 events, which no training has seen" in card
    there = {path.name for path in (inside / "models" / "mine").iterdir()}
    assert there >= {"saved_model.pb", "model.onnx", "metrics.json", "config.json", "README.md"}
    assert str(inside.parent) not in (inside / "models" / "mine" / "config.json").read_text()
    assert "on 16 events" in works("evaluate", "models/mine")
    assert load("models/mine").decode(arrays(5)["z"]).shape == (5, 4)
    works("export", "pairs", "models/mine")  # a model of mizoo is replaced
    np.savez("new.npz", **arrays(50, seed=5))
    works("export", "pairs", "models/mine", "--data", "new.npz")
    assert "| test | 50 events of new.npz |" in (inside / "models" / "mine" / "README.md").read_text()
    assert "models holds something else than a model of mizoo" in fails("export", "pairs", "models")
    assert "pairs holds something else" in fails("export", "pairs", "pairs")
    (inside / "file").write_text("")
    assert "file is a file" in fails("export", "pairs", "file")
    assert (inside / "pairs" / "model.keras").is_file()


@pytest.mark.slow
def test_images_are_evaluated_and_exported(works, inside):
    pytest.importorskip("tf2onnx")
    assert "on 6 events" in works("evaluate", "faces")
    works("export", "faces", "models/faces")
    card = (inside / "models" / "faces" / "README.md").read_text()
    assert "own data: `faces.npz`, arrays x (n, 6, 5, 1), n = 60" in card
    assert "principal components" in card


@pytest.mark.slow
def test_draws_of_arrays(works, fails, inside):
    works("simulate", "pairs", "a.npz", "--out", "x.npz", "--seed", 1)
    drawn = np.load("x.npz")
    assert list(drawn) == ["x"]
    np.testing.assert_allclose(
        drawn["x"], load("pairs").decode(np.load("a.npz")["z"]), rtol=1e-3, atol=1e-4
    )
    assert "unfolded.npz" in works("unfold", "pairs", "a.npz")
    assert "--overwrite" in fails("unfold", "pairs", "a.npz")
    works("unfold", "pairs", "a.npz", "--overwrite")
    assert "a.npz is the file that is read" in fails(
        "unfold", "pairs", "a.npz", "--out", "a.npz", "--overwrite"
    )
    for words in (("zee.h5",), ("a.npz", "--out", "x.h5")):
        line = fails("simulate", "pairs", *words)
        assert "model.decode(z)" in line
        assert words[-1] in line
    assert "x has shape (n, 8)" in fails("unfold", "pairs", "wide.npz", "--overwrite")
    assert "skip_bad" in fails("unfold", "pairs", "a.npz", "--out", "w.npz", "--skip-bad")
    assert "resume" in fails("unfold", "pairs", "a.npz", "--out", "w.npz", "--resume")
    np.savez("lone.npz", x=arrays()["x"])
    assert "decode needs z" in fails("simulate", "pairs", "lone.npz", "--out", "w.npz")
    with sole_writer(inside / "w.npz"):
        assert "w.npz is being written by another process" in fails(
            "simulate", "pairs", "a.npz", "--out", "w.npz"
        )
    assert not (inside / "w.npz").exists()


def test_several_draws_of_arrays(works, fails, inside):
    np.savez("in.npz", **arrays(), weights=np.arange(100.0))
    words = ("unfold", "pairs", "in.npz", "--seed", 1, "--out")
    assert "100 events are in" in works(*words, "one.npz")
    assert "4 draws of each of 100 events" in works(*words, "four.npz", "--samples", 4)
    one, four = np.load("one.npz"), np.load("four.npz")
    assert sorted(four) == ["event", "sample", "weights", "z"]
    np.testing.assert_array_equal(four["z"].reshape(100, 4, 3)[:, 0], one["z"])
    np.testing.assert_array_equal(four["event"], np.repeat(np.arange(100), 4))
    np.testing.assert_array_equal(four["weights"], np.repeat(np.arange(100.0), 4))
    assert read_arrays("four.npz").z.shape == (400, 3)
    for samples in (0, -2, 1.5):
        assert "--samples" in fails(*words, "none.npz", "--samples", samples, status=2)


@pytest.mark.slow
def test_negative_weights_are_resampled_for_training(run, fails, inside):
    """At 2 000 events both the training and the validation data are enough for it."""
    weights = np.where(np.arange(2000) % 4, 1.0, -1.0)
    np.savez("nlo.npz", **arrays(2000), weights=weights)
    words = ("train", "cyclegan", "--data", "nlo.npz", *SHORT, "--out")
    _, lines, code = run(*words, "nlo")
    assert code == 0, lines
    assert [line for line in lines if "of 1600 weights of the train data are negative" in line]
    assert [line for line in lines if "of 200 weights of the validation data are negative" in line]
    np.savez("nlo.npz", **arrays(1000), weights=weights[:1000])
    assert "validation data: positive resampling needs 200 events or more, got 100" in fails(*words, "few")


def test_files_of_another_process_are_told(fails, inside):
    for preset in ("flow", "gandalf", "vae"):
        assert "zee.h5: which process?" in fails("train", preset, "--data", "zee.h5")
        line = fails("train", preset, "--data", "zee.h5", "--process", "ttbar")
        assert "zee.h5" in line
        assert "24" in line
        assert "8" in line
    assert "say of which process (--process)" in fails("train", "gandalf", "--data", "wide.npz")
    assert "vae takes no process" in fails("train", "vae", "--process", "zee")


@pytest.mark.slow
def test_own_events_of_ttbar_are_held_out_as_well(works, few, inside, tmp_path):
    write("own.h5", few.test)
    own = ("train", "aae", "--data", "own.h5")
    words = (*own, *SHORT, "--set", "units=8", "--out", "events")
    _, options, source = training_data("aae", ["own.h5"])
    assert mizoo.Process(**source["process"]) == mizoo.processes.ttbar
    assert options == {"process": source["process"]}
    works(*words)
    assert "on 20 events" in works("evaluate", "events")


def test_an_array_that_is_not_used_is_told(run, inside):
    _, lines, code = run("train", "vae", "--data", "wide.npz", *SHORT, "--set", "latent=2", "--out", "run")
    assert code == 0
    assert lines == ["mizoo: wide.npz: z is not used, vae takes x alone"]


def test_files_of_arrays_are_compared(works, inside):
    assert "on 60 events" in works("compare", "wide.npz", "wide.npz")


# ------------------------------------------------------------------ options


@pytest.mark.ci
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "vae", "--skip-bad"), "--skip-bad"),
        (("train", "vae", "--data", "faces.npz", "--skip-bad"), "faces.npz"),
        (("evaluate", "pairs", "--skip-bad"), "--skip-bad"),
        (("export", "pairs", "m", "--skip-bad"), "--skip-bad"),
        (("evaluate", "pairs", "--data", "wide.npz", "--split", "train"), "--split"),
        (("evaluate", "turbosim-ttbar", "--data", "zee.h5", "--split", "test"), "--split"),
        (("train", "vae", "--index", 0), "index"),
        (("train", "vae", "--workers", "a:1,b:1", "--index", 0, "--strategy", "one-device"), "--workers"),
        (("train", "vae", "--timeout", 3), "--timeout"),
        (("train", "vae", "--restarts", 3), "--restarts"),
        (("train", "vae", "--replicas", 2, "--strategy", "one-device"), "replicas"),
        (("train", "vae", "--epochs", 3, "--select-from", 3), "select_from is 3"),
        (("train", "vae", "--epochs", 3, "--select-every", 4), "select_every 4"),
        (("train", "vae", "--epochs", 3, "--warmup", 4), "warmup of 4"),
        (("train", "vae", "--data", "faces.npz", "--set", "x=[5]"), "--set x=[5]"),
        (("train", "vae", "--set", "x=[5]"), "--set x=[5]: x of the data has shape [8, 8, 1]"),
        (("train", "cyclegan", "--data", "a.npz", "--data", "./a.npz"), "a.npz is given twice"),
        (("evaluate", "faces", "--data", "a.npz", "--data", "a.npz"), "a.npz is given twice"),
        (("train", "turbosim", "--data", "wide.npz", "--set", "original=true"), "original=True"),
        (("train", "turbosim", "--set", "original=true", "--set", "units=3"), "units"),
        (("train", "flow", "--set", "x=zee"), "x should be a shape"),
        (("train", "flow", "--set", 'x=["a"]'), "x of the data has shape [24]"),
        (("train", "flow", "--set", "units=-3"), "units should be greater than or equal to 1"),
        (("train", "flow", "--set", "units=abc"), "units should be a valid integer"),
        (("train", "flow", "--set", "units=1.5"), "units should be a valid integer"),
        (("train", "flow", "--set", "dropout=2"), "dropout should be less than 1"),
        (("train", "vae", "--set", "latent=0"), "latent should be greater than or equal to 1"),
        (("train", "vae", "--set", "latent=true"), "latent should be a valid integer"),
        (("train", "vae", "--set", "learning_rate=-1"), "learning_rate should be greater than 0"),
        (("train", "vae", "--set", "weights=3"), "weights should be"),
        (("train", "vae", "--set", 'weights={"L_y": 1}'), "L_y"),
        (("train", "vae", "--set", "encoder=mlp"), "encoder should be a mapper, or a Keras network"),
        (("train", "vae", "--set", "name=a/b"), "name"),
        (("train", "gandalf", "--set", "sampler=best"), "sampler must be one of"),
        (("history", "faces", "--out", "faces/config.json/figure"), "config.json"),
        (("models", "--registry", "nowhere"), "nowhere"),
        (("simulate", "gan-digits", "nowhere.npz"), "nowhere.npz"),
        (("unfold", "gan-digits", "a.npz"), "gan-digits has no encode"),
    ],
)
def test_options_are_used_or_refused(fails, inside, words, message):
    before = sorted(path.name for path in inside.iterdir())
    assert message in fails(*words)
    assert sorted(path.name for path in inside.iterdir()) == before


@pytest.mark.ci
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train",), "Missing argument"),
        (("train", "vae", "--epochs", "x"), "--epochs"),
        (("train", "vae", "--colour"), "--colour"),
        (("train", "nothing"), "no preset 'nothing'"),
        (("train", "vae", "--set", "size=3"), "vae has no argument 'size'"),
        (("train", "vae", "--set", "size"), "NAME=VALUE"),
        (("train", "vae", "--set", "units=3", "--set", "units=4"), "--set units is given twice"),
        (("evaluate", "pairs", "--split", "best"), "train, validation or test"),
        (("history", "pairs", "--out", "figure.png"), "figure.png"),
        (("dance",), "dance"),
    ],
)
def test_wrong_usage_has_status_2(fails, inside, words, message):
    assert message in fails(*words, status=2)


def test_arguments_of_presets_are_checked_in_python_too():
    with pytest.raises(ValueError, match="vae: latent should be greater than or equal to 1, not 0"):
        presets.vae(latent=0)
    with pytest.raises(ValueError, match=r"gandalf has no argument 'colour'; it has process, latent"):
        presets.gandalf(colour=1)
    assert presets.flow(x=[3], units=4, couplings=1).name == "flow"


def test_same_text_from_python(base):
    with pytest.raises(ValueError, match=r"zee\.h5 has events: give files of one kind"):
        read_data([base / "a.npz", base / "zee.h5"])
    with pytest.raises(ValueError, match="skip_bad leaves out bad events of files, no rows of arrays"):
        read_data([base / "a.npz"], skip_bad=True)
    with pytest.raises(ValueError, match="none is measured"):
        Recipe("vae", epochs=3, select_from=3)


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({}, 90),
        ({"select_every": 30}, 70),
        ({"epochs": 3}, 2),
        ({"cosine": False}, 0),
        ({"select_from": 5}, 5),
    ],
)
def test_the_epoch_that_is_kept_is_one_of_the_last(settings, first):
    assert Recipe("vae", **settings).first_kept == first


# ------------------------------------------------------------------ places and damaged files


@pytest.mark.ci
def test_places_to_write(fails, works, inside):
    (inside / "file").write_text("")
    (inside / "notes").mkdir()
    (inside / "notes" / "thesis.tex").write_text("")
    for command in (("train", "vae"), ("evaluate", "pairs")):
        assert "file is a file" in fails(*command, "--out", "file")
        assert "is a file, not a folder" in fails(*command, "--out", "file/deeper")
        assert "notes holds something else" in fails(*command, "--out", "notes")
    assert "pairs holds something else than a report" in fails("evaluate", "pairs", "--out", "pairs")
    assert "holds a run" in fails("train", "vae", "--out", "pairs")
    assert [path.name for path in (inside / "notes").iterdir()] == ["thesis.tex"]
    for command in ("simulate", "unfold"):
        assert "file/x.npz cannot be written" in fails(command, "pairs", "a.npz", "--out", "file/x.npz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_places_without_permission(fails, inside):
    (inside / "locked").mkdir(mode=0o500)
    assert "locked" in fails("train", "vae", "--out", "locked/run")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", *(pytest.param(b, marks=pytest.mark.ci) for b in (b"{", b"\xff\xfe\x00", b"PK\x03\x04"))],
)
@pytest.mark.parametrize("name", ["model.keras", "config.json", "metrics.csv"])
def test_a_damaged_run_is_told_with_the_file(fails, run, inside, name, content):
    (inside / "faces" / name).write_bytes(content)
    words = {
        "model.keras": [("evaluate", "faces"), ("export", "faces", "m"), ("simulate", "faces", "a.npz")],
        "config.json": [("evaluate", "faces"), ("export", "faces", "m")],
        "metrics.csv": [("history", "faces")],
    }
    for command in words[name]:
        line = fails(*command)
        assert name in line or (name == "config.json" and content == b"[]"), line
    assert not (inside / "m").exists()


def test_a_truncated_model_is_told_with_the_file(fails, inside):
    kept = (inside / "faces" / "model.keras").read_bytes()
    for size in (1000, len(kept) // 2, len(kept) - 10):
        (inside / "faces" / "model.keras").write_bytes(kept[:size])
        assert "faces/model.keras cannot be loaded" in fails("evaluate", "faces")


@pytest.mark.slow
def test_truncated_saved_models_are_told(run, inside):
    model = load("faces")
    model.export("saved", verbose=False)
    for file in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        kept = (inside / "saved" / file).read_bytes()
        (inside / "saved" / file).write_bytes(kept[: len(kept) // 2])
        _, (unverified, broken), code = run("evaluate", "saved")
        assert code == 1, file
        assert "saved is unverified: it has no sha256.json" in unverified
        assert "saved is no whole SavedModel" in broken
        (inside / "saved" / file).write_bytes(kept)


def test_unfinished_runs_and_runs_without_rows(fails, inside):
    (inside / "faces" / "model.keras").unlink()
    for words in (("export", "faces", "m"), ("evaluate", "faces"), ("train", "vae", "--start", "faces")):
        assert "faces holds no finished run: model.keras is missing" in fails(*words)
    with pytest.raises(FileNotFoundError, match=r"model\.keras is missing"):
        ship("faces", "m", None)
    header = (inside / "faces" / "metrics.csv").read_text().splitlines()[0]
    (inside / "faces" / "metrics.csv").write_text(header + "\n")
    assert "metrics.csv has no rows" in fails("history", "faces")
    (inside / "faces" / "metrics.csv").unlink()
    assert "metrics.csv: no such file" in fails("history", "faces")


# ------------------------------------------------------------------ everything else that is raised


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            ImportError("this needs pylhe: pip install pylhe"),
            1,
            "mizoo: this needs pylhe: pip install pylhe",
        ),
        (MemoryError(), 1, "mizoo: MemoryError"),
        (KeyboardInterrupt(), 130, "mizoo: interrupted"),
        (tf.errors.InvalidArgumentError(None, None, "first\nsecond"), 1, "InvalidArgumentError: first"),
        (
            tf.errors.InternalError(
                None,
                None,
                'Graph execution error:\n\nDetected at node x (last call):\n  File "y"\n\nwhat it is',
            ),
            1,
            "InternalError: what it is",
        ),
        (ValueError("first\nsecond"), 1, "mizoo: first"),
        (ValueError("x " * 1000), 1, "…"),
        (KeyError("x"), 1, "KeyError: 'x' (MIZOO_DEBUG=1 shows where)"),
        (
            OSError(28, "No space left on device", "file"),
            1,
            "mizoo: [Errno 28] No space left on device: 'file'",
        ),
    ],
)
def test_every_error_is_one_line(fails, monkeypatch, error, status, message):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr("mizoo.presets.table.markdown", fail)
    assert message in fails("presets", "--table", status=status)


@pytest.mark.slow
def test_debugging_shows_where(tmp_path):
    environment = {**os.environ, "MIZOO_DEBUG": "1"}
    command = [sys.executable, "-m", "mizoo", "history", str(tmp_path)]
    for debug, count in ((environment, 1), (os.environ, 0)):
        result = subprocess.run(command, env=debug, capture_output=True, text=True)
        assert result.returncode == 1
        assert result.stderr.count("Traceback") == count
        assert "metrics.csv: no such file" in result.stderr


def test_help_is_printed_without_a_command(works):
    assert "simulate" in works()
