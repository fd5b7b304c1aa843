"""Evaluation of images: distances in features, scores of pairs, figures, and selection of epochs."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from PIL import Image
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from test_command_line import fails, run, works  # noqa: F401  fixtures

import mizoo
from mizoo import presets
from mizoo.datasets import Samples, Split
from mizoo.datasets.digits import labelled
from mizoo.evaluation import (
    DigitFeatures,
    compare,
    figures,
    frechet,
    image_pairs,
    image_scores,
    kernel_distance,
    precision_recall,
)
from mizoo.evaluation.image_features import features_of
from mizoo.evaluation.image_scores import image_table
from mizoo.training import FrechetDistance
from mizoo.training.recipe import Recipe, train

pytestmark = pytest.mark.usefixtures("eagerly")
RANDOM = np.random.default_rng(0)
TRUE = RANDOM.normal(size=(300, 5)) @ RANDOM.normal(size=(5, 5))
MADE = RANDOM.normal(size=(250, 5)) + 0.3
IMAGES = RANDOM.random((40, 6, 5, 1)).astype("float32")
SMALL = {"x": (6, 5, 1), "latent": 2, "units": 4}


def flat(images):
    return np.reshape(images, (len(images), -1))


# ------------------------------------------------------------------ distances of features


def test_frechet_distance_is_that_of_scipy_and_closed_forms():
    (mean, c), (other, d) = ((v.mean(0), np.cov(v.T)) for v in (TRUE, MADE))
    expected = np.sum((mean - other) ** 2) + np.trace(c + d - 2.0 * scipy.linalg.sqrtm(c @ d).real)
    assert frechet(TRUE, MADE) == pytest.approx(expected)
    assert frechet(TRUE, TRUE) == pytest.approx(0.0, abs=1e-9)
    assert frechet(TRUE, TRUE + 2.0) == pytest.approx(5 * 4.0)
    # Of one component: (μ - μ')² + (σ - σ')².
    assert frechet(TRUE[:, :1], 3.0 * TRUE[:, :1] + 1.0) == pytest.approx(
        (2.0 * TRUE[:, 0].mean() + 1.0) ** 2 + 4.0 * TRUE[:, 0].var(ddof=1)
    )


def test_constant_features_do_not_change_the_frechet_distance():
    """Units of a network that are always off make covariances singular."""
    with_zeros = (np.pad(values, ((0, 0), (0, 3))) for values in (TRUE, MADE))
    assert frechet(*with_zeros) == pytest.approx(frechet(TRUE, MADE))


def test_kernel_distance_is_that_of_scikit_learn_and_unbiased():
    options = {"degree": 3, "gamma": 1.0 / 5, "coef0": 1.0}
    within = []
    for values in (TRUE, MADE):
        kernel = polynomial_kernel(values, **options)
        within.append((kernel.sum() - np.trace(kernel)) / (len(values) * (len(values) - 1)))
    expected = sum(within) - 2.0 * polynomial_kernel(TRUE, MADE, **options).mean()
    assert kernel_distance(TRUE, MADE) == pytest.approx(expected)
    draws = np.random.default_rng(1).normal(size=(400, 2, 20, 3))
    found = np.array([kernel_distance(*pair) for pair in draws])
    assert abs(found.mean()) < 3.0 * found.std() / np.sqrt(len(found))


def test_many_features_are_compared_in_pieces(monkeypatch):
    whole = kernel_distance(TRUE, MADE), precision_recall(TRUE, MADE)
    monkeypatch.setattr("mizoo.evaluation.feature_distances._ROWS", 70)
    assert kernel_distance(TRUE, MADE) == pytest.approx(whole[0])
    assert precision_recall(TRUE, MADE) == whole[1]


def test_precision_and_recall_by_definition():
    k = 5
    radii, made_radii = (
        NearestNeighbors(n_neighbors=k + 1).fit(v).kneighbors(v)[0][:, k] for v in (TRUE, MADE)
    )
    apart = np.linalg.norm(TRUE[:, None] - MADE, axis=-1)
    inside = apart < radii[:, None]
    assert precision_recall(TRUE, MADE, k) == pytest.approx(
        {
            "precision": inside.any(0).mean(),
            "recall": (apart < made_radii).any(1).mean(),
            "density": inside.sum() / k / len(MADE),
            "coverage": inside.any(1).mean(),
        }
    )


def test_modes_that_are_lost_or_invented_are_found():
    near, far = RANDOM.normal(size=(2, 200, 2)) * 0.1 + np.array([[[0.0, 0.0]], [[5.0, 5.0]]])
    both = np.concatenate([near, far])
    lost = precision_recall(both, RANDOM.normal(size=(400, 2)) * 0.1)
    assert lost["precision"] > 0.9
    assert lost["recall"] == pytest.approx(0.5, abs=0.05)
    assert lost["coverage"] == pytest.approx(0.5, abs=0.05)
    invented = precision_recall(near, both)
    assert invented["precision"] == pytest.approx(0.5, abs=0.05)
    assert invented["density"] == pytest.approx(0.5, abs=0.1)
    assert invented["recall"] > 0.9


def test_independent_samples_have_density_and_coverage_of_the_paper():
    """E density = 1, and E coverage = 1 - 1/2^k for samples of equal size (arXiv 2002.09797, eq. 9)."""
    found = [precision_recall(*pair, 3) for pair in np.random.default_rng(2).normal(size=(20, 2, 400, 4))]
    assert np.mean([one["density"] for one in found]) == pytest.approx(1.0, abs=0.02)
    assert np.mean([one["coverage"] for one in found]) == pytest.approx(1.0 - 0.5**3, abs=0.01)


def test_features_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="need 6 of both sets or more, got 5 true and 250 generated"):
        precision_recall(TRUE[:5], MADE)
    with pytest.raises(ValueError, match="neighbours must be 1 or more, got 0"):
        precision_recall(TRUE, MADE, 0)
    with pytest.raises(ValueError, match="different lengths"):
        frechet(TRUE, MADE[:, :4])
    with pytest.raises(ValueError, match=r"one vector per image, \(40, d\), got shape \(40,\)"):
        image_scores(IMAGES, IMAGES, features=lambda images: images.mean((1, 2, 3)))
    with pytest.raises(ValueError, match="features of image 0 are not finite"):
        image_scores(IMAGES, IMAGES, features=lambda images: flat(images) * np.nan)


# ------------------------------------------------------------------ features


@pytest.mark.ci
def test_packaged_features_tell_digits_apart():
    images, labels = labelled()
    features = features_of(images, DigitFeatures(0.0, 1.0))
    assert features.shape == (1797, 32)
    spread = features[:1397].std(0)
    np.testing.assert_allclose(spread[spread > 0.0], 1.0, atol=1e-3)
    nearest = NearestNeighbors(n_neighbors=1).fit(features[:1597]).kneighbors(features[1597:])[1][:, 0]
    assert np.mean(labels[nearest] == labels[1597:]) > 0.95
    noise = np.random.default_rng(0).permuted(images.reshape(len(images), -1), axis=1).reshape(images.shape)
    same = image_scores(images[:800], images[800:1600])
    other = image_scores(images[:800], noise[800:1600])
    assert other["frechet"] > 10.0 * same["frechet"]
    assert other["precision"] < 0.2 < 0.8 < same["precision"]


def test_packaged_features_occur_in_many_images_or_none():
    """One of a thousand images, scaled to variance 1, would dominate distances wherever it occurs."""
    found = features_of(labelled()[0][:1397], DigitFeatures(0.0, 1.0))
    shares = (found > 0.0).mean(0)
    assert (shares[shares > 0.0] >= 0.01).all()
    np.testing.assert_allclose(found.std(0)[shares > 0.0], 1.0, rtol=1e-3)


def test_packaged_features_do_not_depend_on_units_channels_and_range():
    plain = features_of(IMAGES, DigitFeatures(0.0, 1.0))
    np.testing.assert_allclose(features_of(IMAGES * 255.0, DigitFeatures(0.0, 255.0)), plain, atol=1e-4)
    coloured = np.repeat(IMAGES, 3, -1)
    np.testing.assert_allclose(features_of(coloured, DigitFeatures(0.0, 1.0)), plain, atol=1e-4)
    with pytest.raises(ValueError, match="all images have values from 1 to 1"):
        DigitFeatures(1.0, 1.0)


def test_features_are_any_function_layer_or_model():
    layer = keras.layers.Flatten()
    model = keras.Sequential([keras.layers.Input(IMAGES.shape[1:]), layer])
    made = IMAGES[::-1] ** 2
    expected = image_scores(IMAGES, made, flat)
    assert expected["frechet"] == pytest.approx(frechet(flat(IMAGES), flat(made)))
    for features in (layer, model, lambda images: tf.reshape(images, (-1, 30))):
        assert image_scores(IMAGES, made, features) == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------ pairs


@pytest.mark.parametrize("shape", [(16, 13, 1), (12, 12, 3), (6, 5, 1)])
def test_scores_of_pairs_are_those_of_tensorflow_and_definitions(shape):
    truth = RANDOM.random((7, *shape)).astype("float32") * 4.0
    made = np.clip(truth + RANDOM.normal(0.0, 0.3, truth.shape), 0.0, 4.0).astype("float32")
    found = image_pairs(truth, made, 4.0)
    errors = np.mean((truth.astype("float64") - made) ** 2, axis=(1, 2, 3))
    assert found["psnr"] == pytest.approx(np.mean(10.0 * np.log10(16.0 / errors)), rel=1e-5)
    assert found["mae"] == pytest.approx(np.abs(truth - made).mean(), rel=1e-5)
    size = min(11, *shape[:2])
    assert found["ssim"] == pytest.approx(
        np.mean([_ssim(a, b, 4.0, size) for a, b in zip(truth, made, strict=True)]), abs=1e-4
    )


def _ssim(a, b, span, size):
    """SSIM of two images by its definition: Gaussian windows wholly within the image."""
    line = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / 1.5) ** 2)
    window = np.outer(line, line)[..., None] / line.sum() ** 2
    places = np.lib.stride_tricks.sliding_window_view
    a, b = (np.moveaxis(places(v.astype("float64"), (size, size), (0, 1)), 2, -1) for v in (a, b))

    def mean(values):
        return (values * window).sum((2, 3))

    first, second = mean(a), mean(b)
    covariance, variances = mean(a * b) - first * second, mean(a**2 + b**2) - first**2 - second**2
    small, smaller = (0.01 * span) ** 2, (0.03 * span) ** 2
    found = (2 * first * second + small) / (first**2 + second**2 + small)
    return np.mean(found * (2 * covariance + smaller) / (variances + smaller))


def test_identical_and_shapeless_pairs():
    same = image_pairs(IMAGES, IMAGES)
    assert same == pytest.approx({"psnr": np.inf, "ssim": 1.0, "mae": 0.0})
    with pytest.raises(ValueError, match="must have one shape"):
        image_pairs(IMAGES, IMAGES[:, :4])
    with pytest.raises(ValueError, match="must be positive, got 0"):
        image_pairs(np.ones((3, 4, 4, 1)), np.ones((3, 4, 4, 1)))


# ------------------------------------------------------------------ reports


def test_rows_of_draws_from_a_prior_belong_to_no_image():
    truth = Samples(IMAGES)
    table = image_table(truth, {"x_tilde": IMAGES[::-1], "x_hat": IMAGES}, flat)
    assert np.isnan(table.loc["x_tilde", "mae"])
    assert table.loc["x_hat", "mae"] == 0.0
    assert table.loc["x_tilde", "frechet"] == pytest.approx(0.0, abs=1e-5)
    pairs = Samples(IMAGES, IMAGES)
    assert image_table(pairs, {"x_tilde": IMAGES}, flat).loc["x_tilde", "mae"] == 0.0
    assert "mae" not in image_table(pairs.unpaired(), {"x_tilde": IMAGES}, flat)
    assert image_table(Samples(flat(IMAGES)), {"x_tilde": flat(IMAGES)}) is None


def test_few_images_have_fewer_neighbours_or_no_distances():
    few = image_table(Samples(IMAGES[:4]), {"x_hat": IMAGES[4:8]}, flat).loc["x_hat"]
    assert few["neighbours"] == 3
    assert 0.0 <= few["coverage"] <= 1.0
    single = image_table(Samples(IMAGES[:1]), {"x_hat": IMAGES[1:2]}, flat).loc["x_hat"]
    assert "frechet" not in single
    assert single["mae"] > 0.0


def test_two_sets_of_images_are_compared_by_given_features():
    report = compare(Samples(IMAGES), Samples(IMAGES[:20] ** 2), features=flat)
    assert report.images.loc["x_tilde", "frechet"] == pytest.approx(
        frechet(flat(IMAGES), flat(IMAGES[:20] ** 2))
    )
    with pytest.raises(ValueError, match="features are not used"):
        compare(Samples(flat(IMAGES)), Samples(flat(IMAGES)), features=flat)


@pytest.mark.ci
def test_a_report_of_an_auto_encoder_has_scores_and_figures(tmp_path):
    model = presets.vae(**SMALL)
    model.fit(IMAGES, batch_size=20, verbose=0)
    report = mizoo.evaluate(model, Samples(IMAGES), seed=0)
    assert list(report.images.index) == ["x_tilde", "x_hat"]
    assert report.latent.latents.shape == (40, 2)
    assert report.latent.paths.shape == (8, 8, 6, 5, 1)
    report.save(tmp_path)
    names = {path.name for path in (tmp_path / "figures").glob("*.png")}
    expected = {"x_truth", "x_tilde", "x_hat", "x_hat_pairs", "interpolations", "latents"}
    assert names == {f"{name}.png" for name in expected}
    written = json.loads((tmp_path / "metrics.json").read_text())["images"]
    assert written["x_hat"]["psnr"] == pytest.approx(report.images.loc["x_hat", "psnr"], abs=1e-4)
    assert written["x_tilde"]["psnr"] is None
    assert "`frechet`" in (tmp_path / "images.md").read_text()
    assert (tmp_path / "images.csv").is_file()


@pytest.mark.ci
def test_images_of_pairs_have_scores_of_pairs():
    model = presets.pix2pix(x=(6, 5, 1), z=(6, 5, 1), units=4)
    pairs = Samples(IMAGES, 1.0 - IMAGES)
    model.adapt(pairs)
    report = mizoo.evaluate(model, pairs, seed=0)
    made = report.streams["x_tilde"]
    expected = image_pairs(IMAGES, made)
    assert report.images.loc["x_tilde", ["psnr", "ssim", "mae"]].to_dict() == pytest.approx(expected)
    assert report.latent is None


# ------------------------------------------------------------------ figures


def test_rows_of_pairs_alternate():
    figure = figures.image_pairs_grid(np.zeros((5, 2, 2, 1)), np.ones((5, 2, 2, 1)), columns=3)
    (shown,) = figure.axes[0].images
    rows = np.asarray(shown.get_array()).reshape(4, 8, 3, 8).mean((1, 3))
    np.testing.assert_array_equal(rows, [[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 1]])
    with pytest.raises(ValueError, match="must have one shape"):
        figures.image_pairs_grid(IMAGES, IMAGES[:3])


def test_grids_are_whole_at_any_resolution(tmp_path):
    images = np.zeros((4, 5, 5, 1))
    images[3] = 1.0
    for dpi in (50, 100, 200):
        figures.image_grid(images).savefig(tmp_path / "grid.png", dpi=dpi)
        drawn = np.asarray(Image.open(tmp_path / "grid.png").convert("L"), "float64")
        assert drawn.shape == (40 * dpi // 100, 40 * dpi // 100)
        half = len(drawn) // 2
        means = drawn.reshape(2, half, 2, half).mean((1, 3))
        np.testing.assert_array_equal(means, [[0.0, 0.0], [0.0, 255.0]])


def test_lines_are_rows():
    paths = np.zeros((2, 3, 2, 2, 1))
    paths[1, 2] = 1.0
    (shown,) = figures.interpolation_grid(paths).axes[0].images
    rows = np.asarray(shown.get_array()).reshape(2, 8, 3, 8).mean((1, 3))
    np.testing.assert_array_equal(rows, [[0, 0, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="must have shape"):
        figures.interpolation_grid(IMAGES)


def test_latents_are_coloured_by_labels():
    latents, labels = RANDOM.normal(size=(20, 3)), np.arange(20) % 4
    figure = figures.latent_scatter(latents, labels)
    (points,) = figure.axes[0].collections
    np.testing.assert_array_equal(points.get_array(), labels)
    plain = figures.latent_scatter(latents[:, :2]).axes[0].collections[0]
    np.testing.assert_allclose(plain.get_offsets(), latents[:, :2])
    with pytest.raises(ValueError, match="one per latent"):
        figures.latent_scatter(latents, labels[:3])
    with pytest.raises(ValueError, match="must have shape"):
        figures.latent_scatter(latents[:, :1])


# ------------------------------------------------------------------ selection of epochs


class Drawing:
    """Stands in for a model: what it draws depends on the method."""

    name = "drawing"

    def __init__(self, *streams, endpoints=("encode", "decode", "sample", "reconstruct")):
        self.objectives = [type("Term", (), {"stream": stream}) for stream in streams]
        self.endpoints = endpoints

    def sample(self, count, seed, condition):
        return 1.0 - IMAGES[:count]

    def reconstruct(self, x, seed, condition):
        return x

    def decode(self, z, seed, condition):
        return 0.5 * IMAGES[: len(z)]

    def encode(self, x, seed, condition):
        return 0.2 * x


def _measured(model, samples, **options):
    callback = FrechetDistance(samples, features=flat, **options)
    callback.set_model(model)
    return callback


@pytest.mark.parametrize(
    ("streams", "samples", "expected"),
    [
        (("x_hat",), Samples(IMAGES), 0.0),
        (("x_hat", "z_tilde"), Samples(IMAGES), frechet(flat(IMAGES), flat(1.0 - IMAGES))),
        (("x_tilde",), Samples(IMAGES, np.ones((40, 2))), frechet(flat(IMAGES), flat(0.5 * IMAGES))),
        (
            ("x_tilde", "z_tilde"),
            Samples(IMAGES, IMAGES),
            frechet(flat(IMAGES), flat(0.5 * IMAGES)) + frechet(flat(IMAGES), flat(0.2 * IMAGES)),
        ),
    ],
)
def test_validation_distance_is_that_of_what_the_model_is_for(streams, samples, expected):
    callback = _measured(Drawing(*streams), samples, every=2, start=1)
    logs = [{} for _ in range(4)]
    for epoch, one in enumerate(logs):
        callback.on_epoch_end(epoch, one)
    found = [one["val_frechet"] for one in logs]
    assert np.isnan([found[0], found[2]]).all()
    assert found[1::2] == pytest.approx([expected] * 2, abs=1e-5)


def test_validation_distance_needs_images():
    with pytest.raises(ValueError, match="two validation images"):
        FrechetDistance(Samples(flat(IMAGES)))
    callback = _measured(Drawing("x_hat", endpoints=()), Samples(IMAGES))
    with pytest.raises(ValueError, match="drawing draws no images"):
        callback.on_epoch_end(0, {})
    with pytest.raises(ValueError, match="select_by must be one of auto, ks, frechet, not 'fid'"):
        Recipe("vae", select_by="fid")


@pytest.mark.ci
def test_runs_of_images_keep_the_epoch_of_least_frechet_distance(tmp_path):
    split = Split(*(Samples(IMAGES) for _ in range(3)))
    recipe = Recipe("vae", SMALL, epochs=3, batch_size=20, select_from=0, precision="float32")
    model = train(recipe, split, tmp_path / "run", verbose=0)
    rows = np.genfromtxt(tmp_path / "run" / "metrics.csv", delimiter=",", names=True)
    assert np.isfinite(rows["val_frechet"]).all()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["select_by"] == "frechet"
    callback = FrechetDistance(split.validation)
    callback.set_model(model)
    best = int(rows["val_frechet"].argmin())
    assert callback.distance(best) == pytest.approx(rows["val_frechet"].min(), rel=1e-4)
    with pytest.raises(ValueError, match='select_by "frechet", now "ks"'):
        train(replace(recipe, select_by="ks"), split, tmp_path / "run", True)
    del config["recipe"]["select_by"]  # as in runs of former versions
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match='select_by "ks", now "frechet"'):
        train(recipe, split, tmp_path / "run", True)


@pytest.mark.ci
def test_vectors_have_no_frechet_distance(tmp_path):
    split = Split(*(Samples(flat(IMAGES)) for _ in range(3)))
    with pytest.raises(ValueError, match="needs two validation images"):
        train(Recipe("vae", {"x": (30,)}, 1, 20, select_by="frechet"), split, tmp_path / "run")


@pytest.mark.slow
def test_images_on_the_command_line(works, fails, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    np.savez("faces.npz", x=RANDOM.random((60, 6, 5, 1)).astype("float32"))
    small = ("--epochs", 1, "--set", "units=4", "--set", "latent=2", "--data", "faces.npz")
    assert "select_by must be one of" in fails("train", "vae", *small, "--select-by", "fid")
    works("train", "vae", *small)
    shown = works("evaluate", "run", "--out", "results")
    for name in ("frechet", "coverage", "psnr", "ssim"):
        assert name in shown
    assert (tmp_path / "results" / "figures" / "interpolations.png").is_file()
    works("history", "run")
    assert (tmp_path / "history.png").is_file()


# ------------------------------------------------------------------ columns of few values


def test_columns_of_few_values_are_named_in_one_warning():
    table = RANDOM.normal(size=(400, 8)).astype("float32")
    for column in range(1, 8):
        table[:, column] = RANDOM.integers(0, 2 + column, 400)
    with pytest.warns(
        UserWarning, match=r"x1 \(3 values\), .*x5 \(7 values\) and 2 more; .*condition c"
    ) as told:
        presets.vae(x=(8,), latent=2, units=4).adapt({"x": table})
    assert len(told) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", ["continuous", "few events", "condition", "known"])
def test_other_columns_are_not(case):
    x = RANDOM.normal(size=(400, 2)).astype("float32")
    data = {"x": x}
    options = {"condition": (1,)} if case == "condition" else {}
    model = presets.vae(x=(2,), latent=2, units=4, **options)
    if case == "few events":
        data = {"x": np.round(x[:25])}
    if case == "condition":
        data["c"] = np.round(x[:, :1])
    model.adapt(data)
    if case == "known":
        model.adapt({"x": np.round(x)})
