"""Turbo-Sim between two spaces of images."""

import keras
import numpy as np
import pytest

import mizoo
from mizoo import presets
from mizoo.datasets import Samples
from mizoo.datasets.mnist import sobel
from mizoo.export import write_onnx
from mizoo.mappers import Deterministic, NoiseInjected
from mizoo.networks import UNet, to_vector
from mizoo.objectives import LINKS, Adversarial

pytestmark = pytest.mark.usefixtures("eagerly")

SHAPE = (6, 5, 1)
IMAGES = np.random.default_rng(0).random((40, *SHAPE)).astype("float32")
PAIRS = Samples(IMAGES, sobel(IMAGES))


def small(**options):
    return presets.turbosim(**{"x": SHAPE, "z": SHAPE, "units": 8, **options})


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    model = small()
    model.fit(PAIRS, batch_size=20, verbose=0)
    return model


def test_all_eight_terms_are_there_with_weights_per_pixel():
    model = small(z=(6, 5, 2))
    weights = {objective.term: objective.weight for objective in model.active}
    assert weights == {
        "L_z_tilde": 100.0 / 60, "D_z_tilde": 1.0, "L_x_hat": 10.0 / 30, "D_x_hat": 0.1,
        "L_x_tilde": 100.0 / 30, "D_x_tilde": 1.0, "L_z_hat": 10.0 / 60, "D_z_hat": 0.1,
    }  # fmt: skip
    assert set(model.streams) == set(LINKS)


def test_mappers_and_critics_are_convolutional(trained):
    for mapper in (trained.encoder, trained.decoder):
        assert isinstance(mapper, NoiseInjected)
        assert isinstance(mapper.network, UNet)
        assert mapper.likelihood == "laplace"
    critics = [o.estimator.critic for o in trained.objectives if o.symbol == "D"]
    assert len({id(critic) for critic in critics}) == 4
    assert all(isinstance(critic.layers[0], keras.layers.Conv2D) for critic in critics)


def test_a_step_is_finite_and_moves_every_weight():
    model = small()
    model.adapt(PAIRS)
    before = [weight.numpy() for weight in model.trainable_variables]
    history = model.fit(PAIRS, batch_size=20, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    after = [weight.numpy() for weight in model.trainable_variables]
    assert not any(np.array_equal(*both) for both in zip(before, after, strict=True))


def test_saved_and_loaded_it_draws_the_same(trained, tmp_path):
    trained.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert repr(again) == repr(trained)
    noise = np.random.default_rng(1).normal(size=IMAGES.shape).astype("float32")
    for name in ("encode", "decode"):
        first, second = (getattr(model, name)(IMAGES, noise=noise) for model in (trained, again))
        np.testing.assert_array_equal(first, second)


@pytest.mark.ci
def test_exported_it_draws_the_same(trained, tmp_path):
    trained.export(tmp_path / "model", verbose=False)
    loaded = mizoo.load(tmp_path / "model")
    for name in ("encode", "decode"):
        drawn = getattr(loaded, name)(IMAGES, seed=3)
        np.testing.assert_allclose(drawn, getattr(trained, name)(IMAGES, seed=3), atol=1e-5)
    deviations = write_onnx(trained, tmp_path / "model.onnx", PAIRS)
    assert set(deviations) == {"encode", "decode"}
    assert all(found["largest"] < 1e-3 for found in deviations.values())


def test_draws_stay_in_the_range_of_the_data(trained):
    drawn = trained.decode(PAIRS.z, num_samples=3, seed=1).numpy()
    assert drawn.shape == (40, 3, *SHAPE)
    assert drawn.min() >= IMAGES.min()
    assert drawn.max() <= IMAGES.max()
    assert not np.array_equal(drawn[:, 0], drawn[:, 1])
    assert trained.reconstruct(IMAGES, seed=1).shape == IMAGES.shape
    assert trained.reconstruct(z=PAIRS.z, seed=1).shape == PAIRS.z.shape


def test_arguments_reach_the_parts():
    own = Deterministic(UNet(1, True, filters=2), SHAPE)
    model = small(
        encoder=own, learning_rate=1e-4, name="mine", weights={"D_z_hat": 0.0},
        estimator=lambda stream: Adversarial(to_vector(SHAPE, 1, 2), "hinge"),
    )  # fmt: skip
    assert model.encoder is own
    assert model.name == "mine"
    assert float(model.optimizer.learning_rate) == np.float32(1e-4)
    assert "D_z_hat" not in {objective.term for objective in model.active}
    assert {o.estimator.gan_loss for o in model.objectives if o.symbol == "D"} == {"hinge"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"couplings": 4}, "couplings is of flows"),
        ({"dropout": 0.2}, "dropout is of flows"),
        ({"process": "ttbar"}, "not process and x"),
        ({"z": None}, "both spaces"),
        ({"z": (3, 3, 1)}, "smaller images"),
        ({"weights": {"L_z_bar": 1.0}}, "'z_bar'"),
    ],
)
def test_what_images_do_not_take_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_vectors_keep_their_flows():
    with pytest.raises(ValueError, match="couplings is of flows"):
        presets.turbosim(x=SHAPE, z=(3,), couplings=1)
    assert presets.turbosim(x=(3,), z=(2,), units=4, couplings=1).encoder.couplings == 1


def test_bibae_of_images_trains_samples_and_reconstructs():
    model = presets.bibae(x=SHAPE, latent=3, units=8)
    history = model.fit(IMAGES, batch_size=20, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert model.sample(5, seed=1).shape == (5, *SHAPE)
    assert model.reconstruct(IMAGES, seed=1).shape == IMAGES.shape
    assert model.encode(IMAGES, seed=1).shape == (40, 3)
