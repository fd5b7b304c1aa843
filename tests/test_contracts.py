"""Types tell what objects can do: mappers' distributions, priors, terms, trained models."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo import Turbo
from mizoo.core.prior import Prior
from mizoo.export.pretrained import Pretrained, load_keras
from mizoo.mappers import (
    Bijection,
    Conditional,
    Deterministic,
    Flow,
    Gaussian,
    Transcoder,
)
from mizoo.mappers.base import Mapper
from mizoo.model import GenerativeModel
from mizoo.networks import mlp
from mizoo.objectives import (
    Alignment,
    AssignmentLikelihood,
    Likelihood,
    MaximumLikelihood,
    Objective,
    Rate,
    Streams,
)
from mizoo.objectives.estimators import Estimator
from mizoo.representations import Identity, Latent

METHODS = (
    "encode", "decode", "reconstruct", "sample", "noise_shape", "latents",
    "interpolate", "traverse", "log_prob", "elbo",
)  # fmt: skip


def network(outputs):
    return mlp([8], outputs)


@pytest.fixture(scope="module")
def model():
    """A `Turbo` with all features of a model: noise, a shared latent, a prior."""
    keras.utils.set_random_seed(3)
    made = Turbo(
        Transcoder(network(3), Gaussian(network(4), (2,))),
        Transcoder(network(3), Gaussian(network(6), (3,))),
        [Likelihood("x_hat"), Likelihood("z_hat")],
        Identity((3,)),
        Latent(2),
        name="whole",
    )
    made.compile("adam")
    return made


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "whole"
    model.export(path, verbose=False)
    model.save(path / "model.keras")
    return path


@pytest.fixture(scope="module", params=["Turbo", "Pretrained"])
def loaded(request, folder, tmp_path_factory):
    """The same model as returned by `mizoo.load`: of a run, and of a folder with a SavedModel."""
    if request.param == "Pretrained":
        return mizoo.load(folder)
    run = tmp_path_factory.mktemp("run")
    (run / "model.keras").write_bytes((folder / "model.keras").read_bytes())
    return mizoo.load(run)


X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
Z = np.random.default_rng(1).normal(size=(5, 2)).astype("float32")


@pytest.mark.ci
def test_a_loaded_model_has_the_one_interface(loaded):
    assert isinstance(loaded, GenerativeModel)
    assert loaded.name == "whole"
    assert loaded.endpoints == ["encode", "decode", "reconstruct", "sample"]
    assert loaded.shapes == {"x": [3], "z": [2]}


@pytest.mark.parametrize("name", METHODS)
def test_both_kinds_of_models_have_the_same_signatures(name):
    ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (Turbo, Pretrained))
    assert ours.parameters.keys() == theirs.parameters.keys()
    assert [p.kind for p in ours.parameters.values()] == [p.kind for p in theirs.parameters.values()]


@pytest.mark.ci
@pytest.mark.parametrize(
    ("ask", "shape"),
    [
        (lambda m: m.encode(X, seed=1), (5, 2)),
        (lambda m: m.encode(X, num_samples=4, seed=1), (5, 4, 2)),
        (lambda m: m.encode(X, noise=Z), (5, 2)),
        (lambda m: m.encode(X, noise=np.repeat(Z, 4, 0), num_samples=4), (5, 4, 2)),
        (lambda m: m.decode(Z, seed=1), (5, 3)),
        (lambda m: m.decode(Z, num_samples=4, seed=1), (5, 4, 3)),
        (lambda m: m.decode(z=Z, noise=X), (5, 3)),
        (lambda m: m.reconstruct(X, seed=1), (5, 3)),
        (lambda m: m.reconstruct(x=X, seed=1), (5, 3)),
        (lambda m: m.reconstruct(z=Z, seed=1), (5, 2)),
        (lambda m: m.sample(7, seed=1), (7, 3)),
        (lambda m: m.sample(count=np.int64(7), seed=1), (7, 3)),
        (lambda m: m.latents({"x": X, "z": Z})["x"], (5, 3)),
    ],
)
def test_both_kinds_of_models_draw_the_same(loaded, model, ask, shape):
    drawn = np.asarray(ask(loaded))
    assert drawn.shape == shape
    np.testing.assert_allclose(drawn, ask(model), rtol=1e-5, atol=1e-6)


def test_both_kinds_of_models_know_their_noise(loaded):
    assert [loaded.noise_shape(role) for role in ("encoder", "decoder")] == [(2,), (3,)]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.encode(X[:, :2]), r"x must have shape \(n, 3\), got \(5, 2\)"),
        (lambda m: m.decode(X), r"z must have shape \(n, 2\), got \(5, 3\)"),
        (lambda m: m.encode(X, noise=X), r"noise must have shape \(5, 2\), got \(5, 3\)"),
        (lambda m: m.reconstruct(), "either x or z"),
        (lambda m: m.reconstruct(X, Z), "either x or z"),
        (lambda m: m.reconstruct(z=X), r"z must have shape \(n, 2\), got \(5, 3\)"),
        (lambda m: m.sample(2.5), r"count must be a whole number of 0 or more, got 2\.5"),
        (lambda m: m.sample(-1), "count must be a whole number of 0 or more, got -1"),
    ],
)
def test_both_kinds_of_models_refuse_in_one_line(loaded, ask, message):
    with pytest.raises(ValueError, match=message) as found:
        ask(loaded)
    assert "\n" not in str(found.value)


@pytest.fixture(scope="module", params=["Turbo", "Pretrained"])
def lame(request, tmp_path_factory):
    """A model that can decode and nothing else."""
    decoder = Deterministic(network(3), (3,))
    made = Turbo(None, decoder, [Likelihood("x_tilde")], Identity((3,)), Identity((2,)), name="lame")
    if request.param == "Turbo":
        return made
    made.export(path := tmp_path_factory.mktemp("models") / "lame", verbose=False)
    return mizoo.load(path)


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda m: m.encode(X), "encode"),
        (lambda m: m.reconstruct(x=X), "reconstruct"),
        (lambda m: m.reconstruct(z=Z), "reconstruct"),
        (lambda m: m.sample(3), "sample"),
    ],
)
def test_what_a_model_has_not_is_named(lame, ask, what):
    with pytest.raises(ValueError, match=rf"^lame has no {what}, only decode$"):
        ask(lame)


@pytest.mark.ci
def test_without_keras_a_folder_says_what_is_missing(folder, tmp_path):
    bare = tmp_path / "bare"
    load_keras(folder / "model.keras").export(bare, verbose=False)
    model = mizoo.load(bare)
    assert model.decode(Z, seed=1).shape == (5, 3)
    for ask in (
        lambda: model.reconstruct(z=Z),
        lambda: model.encode(X, noise=Z),
        lambda: model.latents({}),
    ):
        with pytest.raises(FileNotFoundError, match=r"model\.keras is missing"):
            ask()


def test_another_keras_model_is_refused(tmp_path):
    other = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    other.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="holds a Sequential, not a Turbo"):
        mizoo.load(tmp_path)


# ---------------------------------------------------------------- distributions


@pytest.mark.parametrize("contract", [Conditional, Mapper, Prior, Objective, Estimator, GenerativeModel])
def test_contracts_are_abstract(contract):
    assert inspect.isabstract(contract)


def test_a_distribution_without_latent_says_so():
    given = Gaussian(network(4), (2,)).distribution(tf.zeros((3, 3)))
    with pytest.raises(ValueError, match="NormalDistribution has no latent"):
        _ = given.latent


def test_alignment_of_mappers_without_latent_is_refused():
    model = Turbo(
        Gaussian(network(4), (2,)),
        Gaussian(network(6), (3,)),
        [Alignment()],
        Identity((3,)),
        Identity((2,)),
    )
    with pytest.raises(ValueError, match="has no latent: a Transcoder's and a Flow's have"):
        model.objectives[0].loss(Streams(model.mappers, {"x": X, "z": Z}, model.representations))


def test_a_distribution_of_another_kind_is_refused():
    class Foreign(Deterministic):
        def distribution(self, condition, noise=None, training=None):
            return object()

    model = Turbo(None, Foreign(network(3), (3,)), [Likelihood("x_tilde")], Identity((3,)), Identity((2,)))
    streams = Streams(model.mappers, {"x": X, "z": Z}, model.representations)
    with pytest.raises(ValueError, match=r"Foreign must be a mizoo\.mappers\.Conditional"):
        streams.distribution("x_tilde")


def test_a_mapper_without_a_shared_latent_says_so():
    with pytest.raises(ValueError, match="Gaussian does not share the latent"):
        Gaussian(network(4), (2,)).decode_latent(Flow((2,), couplings=2).distribution(tf.ones((2, 1))))


# ---------------------------------------------------------------- priors and terms


@pytest.mark.parametrize("prior", [Latent(2), Latent(1, 1), Latent(0, 0, (2,))])
def test_a_latent_space_is_a_prior(prior):
    assert isinstance(prior, Prior)
    draws = prior.sample(20_000)
    assert -np.mean(prior.log_prob(draws)) == pytest.approx(prior.entropy, abs=0.05)
    assert prior.is_normal == (prior.normal == prior.shape[0])


def test_rate_in_closed_form_is_the_mean_over_draws():
    space, prior = Identity((3,)), Latent(2)
    mapper = Gaussian(network(4), (2,))
    events = np.repeat(X, 4000, 0)
    streams = Streams({"encoder": mapper, "decoder": None}, {"x": events}, {"x": space, "z": prior})
    exact = Rate().loss(streams)
    given, draw = streams.distribution("z_tilde"), streams["z_tilde"]
    estimate = np.mean(Conditional.kl_divergence(given, prior, lambda: draw))
    assert estimate == pytest.approx(float(exact), rel=0.05)


def test_a_rate_without_a_prior_is_refused():
    mapper, space = Gaussian(network(4), (2,)), Identity((2,))
    streams = Streams({"encoder": mapper, "decoder": None}, {"x": X}, {"x": Identity((3,)), "z": space})
    with pytest.raises(ValueError, match="R_z_tilde needs a prior, which z does not have"):
        Rate().loss(streams)


@pytest.mark.ci
def test_terms_refuse_parts_that_they_cannot_use():
    flow = Flow((3,), couplings=2)
    parts = {"encoder": Gaussian(network(4), (2,)), "decoder": Gaussian(network(6), (3,))}
    streams = Streams(parts, {"x": X, "z": Z}, {"x": Identity((3,)), "z": Identity((2,))})
    with pytest.raises(ValueError, match="D_x_tilde needs a Bijection, not a mapper that is Gaussian"):
        MaximumLikelihood("x_tilde").loss(streams)
    with pytest.raises(ValueError, match="C_z_tilde needs x in the representation JetAssignment"):
        AssignmentLikelihood().loss(streams)
    assert Bijection(flow).distribution(tf.zeros((2, 3))).sample().shape == (2, 3)


@pytest.mark.parametrize("layer", [keras.layers.Dense(2), keras.layers.Conv2D(2, 1)])
def test_layers_with_kernels_are_normalised(layer):
    shape = (4, 4, 1) if isinstance(layer, keras.layers.Conv2D) else (3,)
    critic = mizoo.networks.spectrally_normalised(
        keras.Sequential([layer, keras.layers.Flatten(), keras.layers.Activation("relu")])
    )
    critic.build((None, *shape))
    kinds = [isinstance(one, keras.layers.SpectralNormalization) for one in critic.layers]
    assert kinds == [True, False, False]
