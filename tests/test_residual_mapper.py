"""Mappers of the residuals of a target with respect to a reference from its condition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.mappers import Deterministic, ResidualMapper
from mizoo.networks import mlp
from mizoo.physics import JetMatching
from mizoo.presets.physics import partners, spaces

pytestmark = [pytest.mark.usefixtures("eagerly"), pytest.mark.ci]

PROCESS = mizoo.processes.ttbar
WAYS = pytest.mark.parametrize("way", ["simulate", "unfold"])


@pytest.fixture(scope="module")
def pairs(ttbar, eagerly):
    return {s: v.numpy() for s, v in JetMatching()(ttbar.train[:5000].arrays()).items()}


@pytest.fixture(scope="module")
def mappers(pairs):
    """Mapper, coordinates of its condition and coordinates of its target, for either way."""
    of = spaces(PROCESS)
    representations = {"x": of.x_objects, "z": of.z}
    for space, one in representations.items():
        one.adapt(pairs[space])
    found = {}
    for way, source, target in (("simulate", "z", "x"), ("unfold", "x", "z")):
        before, after = (representations[space] for space in (source, target))
        inner = Deterministic(mlp([4], *after.shape), after.shape)
        mapper = ResidualMapper(inner, before, after, partners=partners(PROCESS, source))
        mapper.build((None, *before.shape))
        condition, line = before(pairs[source]), after(pairs[target])
        mapper.adapt(condition, line)
        found[way] = mapper, condition, line
    return found


def guessed(mapper):
    return mapper.scales.numpy() > 0


@WAYS
def test_residuals_are_of_one_size_and_lead_back(way, mappers):
    mapper, condition, target = mappers[way]
    reference = mapper._reference(condition)
    residual, _ = mapper.forward(target, reference)
    np.testing.assert_allclose(mapper.inverse(residual, reference), target, atol=2e-3)
    # The median of |asinh(Δ / scale)| is asinh(1) if the scale is the median of |Δ|.
    median = np.median(np.abs(residual), axis=0)[guessed(mapper)] * 1.5
    np.testing.assert_allclose(median, np.arcsinh(1.0), rtol=0.05)
    assert 10 < guessed(mapper).sum() < len(guessed(mapper))
    assert guessed(mapper)[list(mapper.target.circles)].all()
    alone = ~guessed(mapper)
    np.testing.assert_array_equal(residual.numpy()[:, alone], target.numpy()[:, alone])


def test_small_errors_stay_small_in_the_tails(mappers):
    mapper, condition, target = mappers["simulate"]
    reference = mapper._reference(condition)
    residual, _ = mapper.forward(target, reference)
    assert np.abs(residual).max() > 5.0
    moved = mapper.inverse(residual + 0.01, reference) - target
    lines = np.setdiff1d(np.arange(target.shape[1]), mapper.target.circles)
    assert np.abs(moved.numpy()[:, lines]).max() < 0.0101


@WAYS
def test_density_takes_the_slope_into_account(way, mappers):
    mapper, condition, target = mappers[way]
    condition, target = condition[:6], target[:6]
    reference = mapper._reference(condition)
    with tf.GradientTape() as tape:
        tape.watch(target)
        residual, log_slope = mapper.forward(target, reference)
    _, expected = np.linalg.slogdet(tape.batch_jacobian(residual, target).numpy())
    np.testing.assert_allclose(log_slope, expected, atol=1e-2)
    inner = mapper.mapper.distribution(condition).log_prob(residual)
    np.testing.assert_allclose(
        mapper.distribution(condition).log_prob(target), inner + log_slope, rtol=1e-4
    )


def test_one_partner_for_each_object_is_needed(mappers):
    mapper, *_ = mappers["unfold"]
    with pytest.raises(ValueError, match=r"partners must be 6 places, not \(0, 1\)"):
        ResidualMapper(mapper.mapper, mapper.source, mapper.target, partners=[0, 1])


def test_configuration_survives_json(mappers):
    mapper, condition, _ = mappers["unfold"]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mapper))
    again.build((None, *mapper.source.shape))
    again.set_weights(mapper.get_weights())
    np.testing.assert_array_equal(again(condition[:3]), mapper(condition[:3]))
