"""A condition of all events: labels or numbers, in training, draws, densities and files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_command_line import fails, run, works  # noqa: F401  fixtures
from test_own_data import images

import mizoo
from mizoo import Turbo, presets
from mizoo.datasets import Samples, read_arrays
from mizoo.export import write_onnx
from mizoo.mappers import Deterministic, Gaussian
from mizoo.networks import joined, joined_shape
from mizoo.objectives import Likelihood, Rate
from mizoo.representations import Classes, Identity, Latent

pytestmark = pytest.mark.usefixtures("eagerly")

rng = np.random.default_rng(0)
COUNT = 16
LABELS = np.arange(COUNT) % 3
IMAGES, VECTORS = rng.random((COUNT, 8, 8, 1)).astype("float32"), rng.normal(size=(COUNT, 4))
OF_X = ["ae", "vae", "beta_vae", "infovae", "wae", "swae", "aae", "bibae", "bibae_desy", "vaegan"]
OF_X += ["gan", "lsgan", "wgan_gp", "infogan", "alae"]


def trained(name, x, c=LABELS, condition=3, **options):
    pairs = name not in OF_X
    given = {"x": x.shape[1:], **({"z": x.shape[1:]} if pairs else {}), "condition": condition, **options}
    if "units" in presets.PRESETS[name].arguments:
        given |= {"units": 4}
    model = getattr(presets, name)(**given)
    data = {"x": x, "c": c, **({"z": x[::-1]} if pairs else {})}
    model.fit(data, batch_size=COUNT, validation_data=data, verbose=0)
    return model


@pytest.mark.parametrize(
    "name", [n if n in ("vae", "gan", "vaegan") else pytest.param(n, marks=pytest.mark.slow) for n in OF_X]
)
@pytest.mark.parametrize("x", [VECTORS, IMAGES], ids=["vectors", "images"])
def test_presets_of_x_take_a_condition(name, x):
    model = trained(name, x)
    drawn = [model.sample(COUNT, condition=np.full(COUNT, label), seed=1).numpy() for label in (0, 2)]
    assert drawn[0].shape == x.shape
    assert not np.allclose(drawn[0], drawn[1])
    if "encode" in model.endpoints:
        assert model.reconstruct(x, condition=LABELS, seed=1).shape == x.shape
        codes = [model.latents({"x": x, "c": np.full(COUNT, label)})["x"] for label in (0, 2)]
        assert not np.allclose(*codes)


def test_partons_of_a_process_are_a_condition():
    events = mizoo.datasets.zee().train[:COUNT]
    model = trained("vae", VECTORS, events.z, events.process)
    assert model.sample(COUNT, condition=events.z, seed=1).shape == VECTORS.shape
    with pytest.raises(ValueError, match=r"condition must have shape \(16, 8\)"):
        model.sample(COUNT, condition=events.z[:, :4])


@pytest.mark.ci
@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "flow", "turbosim"])
def test_presets_of_pairs_take_a_condition(name):
    options = {"couplings": 2} if name in ("flow", "turbosim") else {}
    model = trained(name, VECTORS, **options)
    drawn = [model.decode(VECTORS, condition=np.full(COUNT, label), seed=1).numpy() for label in (0, 2)]
    assert not np.allclose(*drawn)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "turbosim"])
def test_presets_of_pairs_of_images_take_a_condition(name):
    assert trained(name, IMAGES).decode(IMAGES, condition=LABELS).shape == IMAGES.shape


def test_labels_are_translated_to_images():
    model = presets.pix2pix(x=(8, 8, 1), z=(3,))
    model.fit(IMAGES, np.eye(3)[LABELS], batch_size=COUNT, verbose=0)
    assert model.decode(np.eye(3)).shape == (3, 8, 8, 1)


@pytest.mark.ci
def test_a_number_is_a_condition_that_is_learnt():
    """x = c + noise: draws follow their condition, and the density knows it."""
    keras.utils.set_random_seed(1)
    c = np.random.default_rng(1).uniform(10.0, 100.0, (2000, 1)).astype("float32")
    x = c + np.random.default_rng(2).normal(size=(2000, 1)).astype("float32")
    model = Turbo(
        Gaussian(keras.Sequential([keras.layers.Dense(2)]), (1,)),
        Deterministic(keras.Sequential([keras.layers.Dense(1)]), (1,), scale=1.0),
        [Likelihood("x_hat"), Rate()], Identity((1,)), Latent(1), condition=Identity((1,)),
    )  # fmt: skip
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=False)
    with pytest.MonkeyPatch.context():
        tf.config.run_functions_eagerly(False)
        model.fit({"x": x, "c": c}, batch_size=200, epochs=30, verbose=0)
        tf.config.run_functions_eagerly(True)
    drawn = model.sample(200, condition=np.repeat([20.0, 80.0], 100)[:, None], seed=1).numpy()
    assert abs(drawn[:100].mean() - 20.0) < 3.0
    assert abs(drawn[100:].mean() - 80.0) < 3.0
    own, other = (model.elbo(x[:50], condition=given, seed=1).numpy() for given in (c[:50], c[:50] + 20.0))
    assert (own > other).all()
    bound = model.log_prob(x[:50], condition=c[:50], samples=20, seed=1).numpy()
    assert bound.mean() > own.mean() - 0.1
    assert model.interpolate(x[:2], x[2:4], 3, condition=c[:2]).shape == (2, 3, 1)
    assert model.traverse(x[:2], [0.0, 1.0], condition=c[:2]).shape == (2, 1, 2, 1)


# ------------------------------------------------------------------ what does not fit


@pytest.fixture(scope="module")
def model():
    made = presets.vae(x=Identity((4,)), latent=2, units=4, condition=3)
    return made


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.fit(VECTORS, verbose=0), "vae needs a condition: fit takes"),
        (lambda m: m.sample(2), "vae needs a condition"),
        (lambda m: m.reconstruct(VECTORS), "vae needs a condition"),
        (lambda m: m(tf.constant(VECTORS)), "vae needs a condition"),
        (lambda m: m.sample(2, condition=[0, 1, 2]), r"condition must have shape \(2, 1\), got \(3,"),
        (lambda m: m.sample(2, condition=[0, 3]), "labels must be 0 to 2, got 3 in event 1"),
        (lambda m: m.fit({"x": VECTORS, "c": LABELS + 1}, verbose=0), "labels must be 0 to 2, got 3 in"),
        (
            lambda m: m.fit({"x": VECTORS, "c": LABELS[:3]}, verbose=0),
            "x and c must be pairs, got 16 x and 3",
        ),
    ],
)
def test_a_condition_that_is_missing_or_wrong_is_named(model, ask, message):
    with pytest.raises(ValueError, match=message):
        ask(model)


def test_a_condition_that_nothing_uses_is_refused():
    plain = presets.vae(x=Identity((4,)), latent=2, units=4)
    with pytest.raises(ValueError, match="c is not used: vae has no condition"):
        plain.fit({"x": VECTORS, "c": LABELS}, verbose=0)
    with pytest.raises(ValueError, match="condition is not used: vae has none"):
        plain.sample(2, condition=[0, 1])
    with pytest.raises(ValueError, match="otus takes no condition: its encoder is"):
        presets.otus(x=(4,), z=(4,), condition=3)
    with pytest.raises(ValueError, match="give it as z"):
        presets.flow(x=(4,), condition=3)
    with pytest.raises(ValueError, match="samples without pairs have no common condition"):
        Samples(VECTORS, VECTORS[:3], c=LABELS, paired=False)


@pytest.mark.parametrize(
    ("shape", "condition", "expected"),
    [
        ((4,), (3,), (7,)),
        ((8, 8, 1), (3,), (8, 8, 4)),
        ((8, 8, 1), (8, 8, 2), (8, 8, 3)),
        ((5, 6, 7, 1), (3,), (5, 6, 7, 4)),
        ((5, 6, 7, 1), (5, 6, 7, 2), (5, 6, 7, 3)),
        ((2, 3), (4, 4, 1), (22,)),
    ],
)
def test_arrays_of_any_ranks_are_joined(shape, condition, expected):
    values, given = rng.random((5, *shape)), rng.random((5, *condition))
    both = joined(tf.constant(values), tf.constant(given)).numpy()
    assert both.shape == (5, *expected) == (5, *joined_shape(shape, condition))
    np.testing.assert_allclose(np.sort(np.unique(both)), np.unique(np.r_[values.ravel(), given.ravel()]))
    with pytest.raises(ValueError, match="images of one size"):
        joined_shape((8, 8, 1), (4, 4, 1))
    with pytest.raises(ValueError, match="volumes of one size"):
        joined_shape((8, 8, 8, 1), (8, 8, 4, 1))


def test_labels_are_one_hot(compiled):
    classes = Classes(3)
    np.testing.assert_array_equal(classes(np.array([[0.0], [2.0]])), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(classes.inverse(classes(np.array([[0.0], [2.0]]))), [[0], [2]])
    unknown = tf.function(lambda labels: classes(labels))(tf.constant([[1.0], [3.0]]))
    assert np.isnan(unknown[1]).all()
    assert np.isfinite(unknown[0]).all()


# ------------------------------------------------------------------ files


@pytest.mark.ci
def test_files_of_a_conditional_model_draw_the_same(model, tmp_path):
    x, c = VECTORS.astype("float32"), LABELS[:, None].astype("float32")
    model.save(tmp_path / "model.keras")
    again = mizoo.load(tmp_path)
    np.testing.assert_array_equal(
        again.encode(x, condition=c, seed=1), model.encode(x, condition=c, seed=1)
    )
    model.export(tmp_path, verbose=False)
    saved = mizoo.load(tmp_path)
    for made, expected in (
        (saved.encode(x, condition=c, seed=1), model.encode(x, condition=c, seed=1)),
        (saved.sample(COUNT, condition=c, seed=2), model.sample(COUNT, condition=c, seed=2)),
        (saved.reconstruct(x, condition=c, seed=2), model.reconstruct(x, condition=c, seed=2)),
    ):
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="needs a condition"):
        saved.sample(3)
    with pytest.raises(ValueError, match=r"condition must have shape \(3, 1\)"):
        saved.sample(3, condition=c)
    deviations = write_onnx(model, tmp_path / "model.onnx", Samples(x, c=LABELS))
    assert set(deviations) == {"encode", "decode"}


def test_classes_of_a_folder_and_columns_of_a_table(tmp_path):
    images(tmp_path / "faces" / "cats", 3), images(tmp_path / "faces" / "dogs", 2, seed=1)
    data = read_arrays(tmp_path / "faces")
    assert sorted(data.c[:, 0]) == [0, 0, 0, 1, 1]
    (tmp_path / "t.csv").write_text("a,c.energy\n1,10\n2,20\n")
    table = read_arrays(tmp_path / "t.csv")
    np.testing.assert_array_equal(table.c, [[10.0], [20.0]])
    np.testing.assert_array_equal(table.x, [[1.0], [2.0]])


@pytest.mark.slow
def test_a_condition_all_the_way_on_the_command_line(works, fails, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", x=rng.normal(size=(60, 3)), c=np.arange(60) % 3)
    small = ("--epochs", 1, "--set", "units=4", "--set", "latent=2")
    works("train", "vae", "--data", "data.npz", "--out", "run", *small)
    works("evaluate", "run")
    works("export", "run", "vae-own")
    works("sample", "vae-own", "-n", 5, "--condition", 2)
    assert read_arrays("samples.npz").x.shape == (5, 3)
    assert "needs a condition" in fails("sample", "vae-own", "--out", "more.npz")
