"""Data of one's own on the command line: folders of images, tables, arrays without pairs; draws."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_command_line import fails, run, works  # noqa: F401  fixtures

from mizoo import presets
from mizoo.datasets import read_arrays
from mizoo.datasets.plain_tables import UnusedColumns
from mizoo.evaluation.figures import image_grid
from mizoo.presets.data import held_out, read_data, split_of, training_data

pytestmark = pytest.mark.usefixtures("eagerly")
SMALL = ("--epochs", 1, "--set", "units=4", "--set", "latent=2")


def images(folder, count, size=(6, 5), seed=0, mode="L", suffix="png"):
    folder.mkdir(parents=True, exist_ok=True)
    shape = (*size, 3) if mode == "RGB" else size
    for i in range(count):
        pixels = np.random.default_rng([seed, i]).integers(0, 256, shape, dtype="uint8")
        Image.fromarray(pixels).save(folder / f"{i:03d}.{suffix}")
    return folder


# ------------------------------------------------------------------ folders of images


def test_a_folder_has_grey_images_of_their_own_size(tmp_path):
    folder = images(tmp_path / "faces", 12)
    x = read_arrays(folder).x
    assert x.shape == (12, 6, 5, 1)
    expected = {np.asarray(Image.open(path)).tobytes() for path in folder.iterdir()}
    assert {image.astype("uint8").tobytes() for image in x} == expected
    np.testing.assert_array_equal(read_arrays(folder).x, x)


def test_one_image_with_colours_makes_all_have_them(tmp_path):
    images(tmp_path / "a", 3)
    images(tmp_path / "b", 2, mode="RGB", suffix="jpg")
    assert read_arrays(tmp_path).x.shape == (5, 6, 5, 3)


def test_the_last_images_are_not_all_of_one_sub_folder(tmp_path):
    for value, name in ((0, "cats"), (255, "dogs")):
        (tmp_path / name).mkdir()
        for i in range(20):
            Image.fromarray(np.full((2, 2), value, "uint8")).save(tmp_path / name / f"{i}.png")
    test = split_of(read_arrays(tmp_path)).test
    assert 0.0 < test.x.mean() < 255.0


def test_two_folders_in_one_are_two_spaces(tmp_path):
    images(tmp_path / "x", 4), images(tmp_path / "z", 4, seed=1)
    both = read_arrays(tmp_path)
    np.testing.assert_array_equal(both.x[1, ..., 0], np.asarray(Image.open(tmp_path / "x" / "001.png")))
    np.testing.assert_array_equal(both.z[2, ..., 0], np.asarray(Image.open(tmp_path / "z" / "002.png")))


@pytest.mark.parametrize("case", ["empty", "sizes", "damaged"])
def test_folders_that_cannot_be_read_are_named(tmp_path, case):
    folder = tmp_path / "faces"
    folder.mkdir()
    expected = "no images in it"
    if case != "empty":
        images(folder, 3)
        if case == "sizes":
            Image.fromarray(np.zeros((7, 9), "uint8")).save(folder / "large.png")
            expected = r"large\.png has 9 × 7 pixels, others 5 × 6"
        else:
            (folder / "odd.png").write_bytes(b"no image")
            expected = r"odd\.png: no image"
    with pytest.raises(ValueError, match=expected):
        read_arrays(folder)


# ------------------------------------------------------------------ tables


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_x_are_all_columns_of_numbers(tmp_path, suffix):
    frame = pd.DataFrame({"age": [1, 2, 3], "name": list("abc"), "size": [0.5, 1.5, 2.5], "weight": 1.0})
    path = tmp_path / f"table.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    with pytest.warns(UnusedColumns, match="columns name are no numbers"):
        table = read_data([path])
    np.testing.assert_array_equal(table.x, frame[["age", "size"]])
    np.testing.assert_array_equal(table.weights, frame["weight"])


def test_columns_may_name_their_space(tmp_path):
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=["z.a", "x.b", "x.a"])
    frame.to_csv(tmp_path / "pairs.csv", index=False)
    pairs = read_arrays(tmp_path / "pairs.csv")
    np.testing.assert_array_equal(pairs.x, frame[["x.b", "x.a"]])
    np.testing.assert_array_equal(pairs.z, frame[["z.a"]])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"a": [1.0, None]}, "column a has no number in row 1"),
        ({"a": ["b", "c"]}, "no column of numbers"),
        ({"x.a": [1.0, 2.0], "b": [1.0, 2.0]}, r"column b is of neither space: name it x\.b or z\.b"),
    ],
)
@pytest.mark.filterwarnings("ignore::mizoo.datasets.plain_tables.UnusedColumns")
def test_tables_that_cannot_be_read_are_named(tmp_path, frame, message):
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match=f"t.csv: {message}"):
        read_arrays(tmp_path / "t.csv")


def test_columns_of_momenta_are_still_events(tmp_path, ttbar):
    frame = ttbar.test[:20].frame("x").add_prefix("x.")
    frame.to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(ValueError, match="process"):
        read_data([tmp_path / "events.csv"])


# ------------------------------------------------------------------ without pairs


def test_sets_without_pairs_may_differ_in_size(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", x=np.arange(60.0)[:, None])
    np.savez(tmp_path / "z.npz", z=rng.normal(size=(40, 1)))
    paths = [tmp_path / "x.npz", tmp_path / "z.npz"]
    split, options, record = training_data("cyclegan", paths)
    assert [len(part.x) for part in (split.train, split.validation, split.test)] == [48, 6, 6]
    assert [len(part.z) for part in (split.train, split.validation, split.test)] == [32, 4, 4]
    np.testing.assert_array_equal(split.test.x[:, 0], np.arange(54.0, 60.0))
    assert len(held_out(record).x) == 6
    model = presets.cyclegan(**options)
    model.run_eagerly = True
    model.fit(split.train, batch_size=16, validation_data=split.validation, verbose=0)
    with pytest.raises(ValueError, match="x and z must be pairs, got 60 x and 40 z"):
        training_data("pix2pix", paths)


# ------------------------------------------------------------------ all the way


@pytest.mark.slow
def test_images_of_a_folder_all_the_way(works, fails, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    images(tmp_path / "faces", 40)
    works("train", "vae", "--data", "faces", "--out", "run", *SMALL)
    assert "x_hat" in works("evaluate", "run")
    works("export", "run", "vae-faces")
    assert "`faces`" in (tmp_path / "vae-faces" / "README.md").read_text()
    assert "64 draws are in samples.npz and samples.png" in works("sample", "run", "-n", 64, "--seed", 1)
    x = read_arrays("samples.npz").x
    assert x.shape == (64, 6, 5, 1)
    assert Image.open("samples.png").size == (4 * 8 * 5, 4 * 8 * 6)
    assert "samples.npz exists" in fails("sample", "run")
    (tmp_path / "faces" / "000.png").unlink()
    assert "it was changed" in fails("evaluate", "run")


@pytest.mark.ci
def test_a_table_all_the_way(works, fails, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc")).to_csv("t.csv", index=False)
    works("train", "vae", "--data", "t.csv", "--out", "run", *SMALL)
    assert "x_tilde" in works("evaluate", "run", "--data", "t.csv")
    works("sample", "run", "-n", 7, "--out", "drawn.npz")
    assert read_arrays("drawn.npz").x.shape == (7, 3)
    assert not (tmp_path / "drawn.png").exists()
    assert "a model of arrays, are written as .npz" in fails("sample", "run", "--out", "drawn.csv")


def test_draws_of_events_are_events(works, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    works("sample", "aae-ttbar", "-n", 5, "--out", "five.csv")
    frame = pd.read_csv("five.csv")
    assert frame.shape == (5, 24)
    assert frame.columns[0] == "x.px_e-"


@pytest.mark.ci
def test_models_without_prior_say_so(fails):  # noqa: F811
    assert "flow-ttbar has no sample, only encode" in fails("sample", "flow-ttbar")


# ------------------------------------------------------------------ grids


def test_a_grid_has_every_image_in_its_place():
    shown = np.random.default_rng(0).random((5, 3, 2, 3)).astype("float32")
    figure = image_grid(shown)
    (drawn,) = figure.axes[0].images
    pixels = np.asarray(drawn.get_array())
    scaled = (shown - shown.min()) / (shown.max() - shown.min())
    np.testing.assert_allclose(pixels[:12:4, 8:16:4], scaled[1])
    np.testing.assert_allclose(pixels[12::4, 8:16:4], scaled[4])
    with pytest.raises(ValueError, match=r"shape \(n, H, W, C\)"):
        image_grid(np.zeros((3, 4)))
