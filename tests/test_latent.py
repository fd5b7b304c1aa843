"""The common latent: all information that a decoder has on an event."""

import numpy as np
import pytest

import mizoo
from mizoo.physics import kinematics

SIZES = {"latent": 10, "width": 8, "units": 16, "blocks": 1, "evaluations": 2}


@pytest.fixture(scope="module")
def model():
    data = mizoo.datasets.zh()
    made = mizoo.presets.gandalf("zh", **SIZES)
    made.fit(data.train[:400], batch_size=100, epochs=1, verbose=0)
    return made


@pytest.fixture(scope="module")
def events():
    return mizoo.datasets.zh().validation[:50]


@pytest.mark.ci
@pytest.mark.parametrize(("source", "to"), [("x", "z"), ("z", "x"), ("x", "x"), ("z", "z")])
def test_transcoding_and_reconstruction_are_an_encoder_and_a_decoder(model, events, source, to):
    latent = model.latents({source: events[source]})[source]
    assert latent.shape == (50, 10)
    drawn = model.decode_latent(latent, to=to, source=source, seed=1)
    if source == to:
        whole = model.reconstruct(**{source: events[source]}, seed=1)
    else:
        whole = (model.encode if to == "z" else model.decode)(events[source], seed=1)
    np.testing.assert_array_equal(drawn, whole)


def test_draws_turn_with_the_frame_that_the_latent_carries(model, events):
    latent = np.array(model.latents({"z": events.z})["z"])
    np.testing.assert_allclose(np.hypot(latent[:, 0], latent[:, 1]), 1.0, rtol=1e-5)
    turned = latent.copy()
    turned[:, 0], turned[:, 1] = -latent[:, 1], latent[:, 0]  # by a quarter
    before, after = (
        np.asarray(model.decode_latent(given, to="x", source="z", seed=1)).reshape(50, -1, 4)
        for given in (latent, turned)
    )
    np.testing.assert_allclose(after[..., 0], -before[..., 1], rtol=2e-4, atol=2e-3)
    np.testing.assert_allclose(after[..., 2:], before[..., 2:], rtol=2e-4, atol=2e-3)


def test_latents_of_turned_events_differ_in_the_frame_alone(model, events):
    objects = events.x.reshape(50, -1, 4)
    turned = np.stack([-objects[..., 1], objects[..., 0], objects[..., 2], objects[..., 3]], -1)
    before = np.asarray(model.latents({"x": events.x})["x"])
    after = np.asarray(model.latents({"x": turned.reshape(50, -1)})["x"])
    np.testing.assert_allclose(after[:, 2:], before[:, 2:], atol=2e-4)
    np.testing.assert_allclose(after[:, 0], -before[:, 1], atol=1e-5)


def test_what_is_no_latent_is_refused(model):
    with pytest.raises(ValueError, match="space must be 'x' or 'z', not 'y'"):
        model.decode_latent(np.zeros((2, 10)), to="y")
    with pytest.raises(ValueError, match="flow needs more than a latent to draw x"):
        mizoo.presets.flow("zee", units=4, couplings=2).decode_latent(np.zeros((2, 10)), to="x")


@pytest.mark.parametrize("space", ["x", "z"])
def test_momenta_that_are_told_are_the_location(model, events, space):
    mapper = model.decoder if space == "x" else model.encoder
    standardised = mapper.decoder.mapper
    representation, data = model.representations[space], events[space]
    coordinates = representation(data)
    seen = kinematics.network_features(representation.four_momenta(coordinates))[..., :3]
    if space == "x":
        seen = seen.numpy()[:, [0, 1, 3, 2]]  # jets in any order
    location = standardised._coordinates(representation, np.reshape(seen, (50, -1)))
    inside = np.abs(coordinates) < 4.0
    assert inside.mean() > 0.95
    assert np.abs(location - coordinates)[inside].max() < 0.02
