"""Properties of mappers and representations for any values: round trips and changes of variables."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mizoo.mappers import Bijection, Flow, Gaussian, ResidualMapper, SplineCoupling
from mizoo.mappers.spline import bend
from mizoo.networks import mlp
from mizoo.physics import planar
from mizoo.representations import Identity, Momenta, Pixels, Standardise

pytestmark = pytest.mark.usefixtures("eagerly")

QUICK = settings(max_examples=8, deadline=None)
FEW = settings(max_examples=3, deadline=None)  # where a Jacobian is needed
EVENTS = 3


def arrays(*shape, bound=3.0):
    """Arrays of a shape whose values are between -bound and bound."""
    return hnp.arrays("float32", shape, elements=st.floats(-bound, bound, width=32))


def shaken(made, *shapes, scale=0.15):
    """A layer built for these shapes, with weights far from those of the identity, the same in each run."""
    keras.utils.set_random_seed(0)  # before initializers draw their seeds
    layer = made()
    layer.build(*shapes)
    rng = np.random.default_rng(0)
    layer.set_weights([w + scale * rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def log_determinant(function, values):
    """Of the Jacobian of a function of vectors, (n, d) to (n, d), by automatic differentiation."""
    values = tf.constant(values)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        found = function(values)
    jacobians = tape.batch_jacobian(found, values, experimental_use_pfor=False)
    return np.linalg.slogdet(jacobians.numpy().astype("float64"))[1]


# ------------------------------------------------------------------ mappers


SHAPES = {
    "one component": (1, ()),
    "a line": (3, ()),
    "a line and angles": (4, (1, 2)),
    "angles": (2, (0, 1)),
}


@pytest.fixture(scope="module", params=SHAPES)
def flow(request, eagerly):
    components, angles = SHAPES[request.param]
    return shaken(lambda: Flow((components,), angles=angles, couplings=2, units=8, bins=4), (None, 2))


@pytest.mark.slow
@QUICK
@given(data=st.data())
def test_flows_find_the_noise_that_a_draw_was_made_of(flow, data):
    condition, noise = data.draw(arrays(EVENTS, 2)), data.draw(arrays(EVENTS, *flow.shape))
    drawn = flow.distribution(condition, noise=noise).sample()
    angles = drawn.numpy()[:, list(flow.angles)]
    assert (np.abs(angles) <= np.float32(np.pi) * (1 + 1e-6)).all()
    np.testing.assert_allclose(flow.distribution(condition).noise_of(drawn), noise, atol=5e-3)


@pytest.mark.slow
@FEW
@given(data=st.data())
def test_densities_of_flows_are_those_of_the_change_of_variables(flow, data):
    condition, noise = data.draw(arrays(EVENTS, 2)), data.draw(arrays(EVENTS, *flow.shape, bound=2.0))
    change = log_determinant(lambda noise: flow.distribution(condition, noise=noise).sample(), noise)
    drawn = flow.distribution(condition, noise=noise).sample()
    expected = scipy.stats.norm.logpdf(noise.astype("float64")).sum(1) - change
    np.testing.assert_allclose(flow.distribution(condition).log_prob(drawn), expected, atol=5e-3)


COUPLING = shaken(lambda: SplineCoupling(4, [1, 3], units=8, bins=4), (None, 4), (None, 2))


@FEW
@given(arrays(EVENTS, 4, bound=5.5), arrays(EVENTS, 2))  # within the splines; their ends are below
def test_couplings_leave_the_other_half_and_undo_themselves(values, context):
    bent, change = COUPLING(values, context)
    np.testing.assert_array_equal(bent.numpy()[:, [0, 2]], values[:, [0, 2]])
    back, change_back = COUPLING(bent, context, inverse=True)
    np.testing.assert_allclose(back, values, atol=1e-3)
    np.testing.assert_allclose(change_back, -change, atol=1e-2)
    expected = log_determinant(lambda values: COUPLING(values, context)[0], values)
    np.testing.assert_allclose(change, expected, atol=1e-3)


@QUICK
@given(arrays(3, 5, EVENTS, bound=2.0), arrays(EVENTS, bound=5.0))
def test_splines_rise_and_undo_themselves(knots, values):
    widths, heights = (tf.nn.softmax(part, axis=0) * 7.0 + 0.2 for part in knots[:2])
    knot_slopes = tf.nn.softplus(knots[2, 1:]) + 0.1
    bins = widths, heights, knot_slopes, -4.0
    bent, change = bend(values, *bins)
    back, change_back = bend(bent, *bins, inverse=True)
    np.testing.assert_allclose(back, values, atol=1e-3)
    np.testing.assert_allclose(change_back, -change, atol=1e-2)
    outside = np.abs(values) > 4.0
    np.testing.assert_array_equal(bent.numpy()[outside], values[outside])
    further, _ = bend(values + 0.01, *bins)
    assert (further.numpy() > bent.numpy()).all()
    given_values = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(given_values)
        found, _ = bend(given_values, *bins)
    np.testing.assert_allclose(change, np.log(tape.gradient(found, given_values)), atol=1e-3)


INVERTIBLE = shaken(lambda: Flow((3,), angles=(1,), couplings=2, units=8, bins=4), (None, 1))


@pytest.mark.ci
@FEW
@given(arrays(EVENTS, 3, bound=2.0))
def test_bijections_undo_each_other_and_know_their_density(z):
    there, back = Bijection(INVERTIBLE), Bijection(INVERTIBLE, inverse=True)
    x = there(z)
    np.testing.assert_allclose(back(x), z, atol=5e-3)
    change = log_determinant(there, z)
    expected = scipy.stats.norm.logpdf(z.astype("float64")).sum(1) - change
    np.testing.assert_allclose(there.density(x), expected, atol=5e-3)


class Angular(Identity):
    """Three coordinates, of which the second is an angle."""

    circles = (1,)


SCALES = {"narrow": (0.01, 0.02, 0.0), "wide": (0.5, 0.3, 2.0)}


@pytest.mark.parametrize("scales", SCALES)
@FEW
@given(
    hnp.arrays("float32", (EVENTS, 3), elements=st.floats(0.015625, 2.0, width=32)),
    hnp.arrays("bool", (EVENTS, 3)),
    arrays(EVENTS, 3, bound=1.0),
)
def test_residuals_lead_back_to_the_target(scales, distance, above, reference):
    target = reference + np.where(above, distance, -distance)  # at 0 no operation has a derivative
    space = Angular((3,))
    mapper = ResidualMapper(Gaussian(mlp([], 6), (3,)), space, space)
    mapper.scales.assign(SCALES[scales])
    residual, log_slope = mapper.forward(target, reference)
    back = mapper.inverse(residual, reference)
    np.testing.assert_allclose(back, target, atol=1e-4)
    change = log_determinant(lambda target: mapper.forward(target, reference)[0], target)
    np.testing.assert_allclose(log_slope, change, atol=2e-3)
    inner = log_determinant(lambda residual: mapper.inverse(residual, reference), residual)
    np.testing.assert_allclose(-log_slope, inner, atol=2e-3)


# ------------------------------------------------------------------ representations


def adapted(representation, data):
    representation.adapt(data)
    return representation


RNG = np.random.default_rng(0)
REPRESENTATIONS = {
    "identity": Identity((6,)),
    "standardised": adapted(Standardise((6,)), RNG.normal(5.0, 3.0, size=(100, 6)).astype("float32")),
    "one scale": adapted(Standardise((6,), scalar=True), RNG.normal(size=(100, 6)).astype("float32")),
    "momenta": adapted(Momenta((0.0, 80.0)), RNG.normal(0.0, 50.0, size=(100, 8)).astype("float32")),
    "pixels": adapted(Pixels((3, 2, 1)), np.linspace(0.0, 255.0, 60, dtype="float32").reshape(10, 3, 2, 1)),
}


@pytest.mark.parametrize("name", REPRESENTATIONS)
@QUICK
@given(data=st.data())
def test_coordinates_lead_to_physical_units_and_back(name, data):
    representation = REPRESENTATIONS[name]
    bound = 1.0 if representation.bounded else 3.0
    line = data.draw(arrays(EVENTS, *representation.shape, bound=bound))
    physical = representation.inverse(line)
    assert physical.shape == (EVENTS, *representation.physical_shape)
    np.testing.assert_allclose(representation(physical), line, atol=1e-4)


@QUICK
@given(arrays(EVENTS, 2, bound=100.0), st.floats(0.1, 10.0))
def test_angles_are_wrapped_by_whole_turns(values, half):
    wrapped = planar.wrap(tf.constant(values, tf.float64), half).numpy()
    assert (wrapped >= -half).all()
    assert (wrapped < half * (1 + 1e-12)).all()
    turns = (values - wrapped) / (2.0 * half)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 1)])
def test_gaussians_agree_with_a_change_of_variables(shape):
    """Draws are a location and a scale times the noise: the density is that of the noise over the scale."""
    size = int(np.prod(shape))
    network = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2 * size)])
    network.add(keras.layers.Reshape((*shape[:-1], 2 * shape[-1])))
    mapper = shaken(lambda: Gaussian(network, shape), (None, 2))
    condition = RNG.normal(size=(EVENTS, 2)).astype("float32")
    noise = RNG.normal(size=(EVENTS, *shape)).astype("float32")
    drawn = mapper.distribution(condition, noise=noise).sample()
    change = log_determinant(
        lambda flat: tf.reshape(
            mapper.distribution(condition, noise=tf.reshape(flat, (EVENTS, *shape))).sample(),
            (EVENTS, size),
        ),
        noise.reshape(EVENTS, size),
    )
    expected = scipy.stats.norm.logpdf(noise).reshape(EVENTS, -1).sum(1) - change
    np.testing.assert_allclose(mapper.distribution(condition).log_prob(drawn), expected, atol=1e-3)
