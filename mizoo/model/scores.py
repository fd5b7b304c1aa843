"""Log-densities of events: exact ones, and bounds by draws of the encoder."""

import math

import tensorflow as tf

from mizoo.core.prior import Prior
from mizoo.core.types import Array, Batch, Tensor
from mizoo.distribute import collectives
from mizoo.mappers.bijection import Bijection
from mizoo.mappers.noise_injected import Deterministic
from mizoo.model.inputs import of_shape, with_condition
from mizoo.model.parts import Parts
from mizoo.objectives.streams import Streams


def why_no_density(model: Parts) -> str | None:
    """Why a model has no exact density of x; None if it has one."""
    if not isinstance(model.decoder, Bijection):
        return (
            "its decoder is no bijection: elbo or log_prob(x, samples=…) bound it, where there is a bound"
        )
    return _why_no_units(model)


def why_no_bound(model: Parts) -> str | None:
    """Why a model has no lower bound on the density of x; None if it has one."""
    if model.encoder is None or model.decoder is None or not model.has_prior:
        return "it needs an encoder, a decoder and a prior of z"
    if isinstance(model.encoder, Deterministic | Bijection):
        return "its encoder has no density"
    if not model.decoder.has_exact_log_prob:
        return "its decoder has no exact likelihood"
    return _why_no_units(model)


def _why_no_units(model: Parts) -> str | None:
    x = model.x_representation
    return None if x.has_log_det else f"densities of a {type(x).__name__} are not known in physical units"


def log_prob(
    model: Parts, x: Array, z: Array | None, samples: int | None, condition: Array | None
) -> Tensor:
    """See `Scores.log_prob`."""
    decoder, physical = model.averages["decoder"], _physical(model, "x", x)
    batch = _batch(model, physical, condition)
    if z is not None:
        if samples is not None:
            raise ValueError("samples beside z is not used: the density given z is exact")
        if decoder is None or not decoder.has_exact_log_prob:
            raise ValueError(
                f"{model.name} has no log_prob given z: it has no decoder with an exact density"
            )
        _refuse(model, "log_prob", _why_no_units(model))
        batch["z"] = model.z_representation(_physical(model, "z", z))
        density = _streams(model, batch).distribution("x_tilde").log_prob(batch["x"])
    elif samples is None:
        _refuse(model, "log_prob", why_no_density(model))
        assert isinstance(decoder, Bijection)  # else there is no exact density
        density = decoder.density(batch["x"])
    else:
        reconstruction, rate = _terms(model, "log_prob", batch, samples, drawn=True)
        density = tf.reduce_logsumexp(reconstruction - rate, 1) - math.log(samples)
    return density + model.x_representation.log_det(physical)


def elbo(model: Parts, x: Array, samples: int, condition: Array | None) -> Tensor:
    """See `Scores.elbo`."""
    physical = _physical(model, "x", x)
    reconstruction, rate = _terms(model, "elbo", _batch(model, physical, condition), samples, drawn=False)
    return tf.reduce_mean(reconstruction - rate, 1) + model.x_representation.log_det(physical)


def _terms(model: Parts, what: str, batch: Batch, samples: int, drawn: bool) -> tuple[Tensor, Tensor]:
    """log p(x|z) and the rate, both (n, samples): log q(z|x) - log p(z) of draws, or its mean."""
    _refuse(model, what, why_no_bound(model))
    if samples < 1:
        raise ValueError(f"samples must be 1 or more, got {samples}")
    repeated = {space: tf.repeat(values, samples, axis=0) for space, values in batch.items()}
    streams = _streams(model, repeated)
    codes, prior = streams.distribution("z_tilde"), model.z_representation
    assert isinstance(prior, Prior)  # else there is no bound
    if drawn:
        rate = codes.log_prob(streams["z_tilde"]) - prior.log_prob(streams["z_tilde"])
    else:
        rate = codes.kl_divergence(prior, lambda: streams["z_tilde"])
    reconstruction = streams.distribution("x_hat").log_prob(repeated["x"])
    return tf.reshape(reconstruction, (-1, samples)), tf.reshape(rate, (-1, samples))


def _batch(model: Parts, physical: Tensor, condition: Array | None) -> Batch:
    data = with_condition(model, {"x": physical}, condition)
    return {space: model.representations[space](values) for space, values in data.items()}


def _streams(model: Parts, batch: Batch) -> Streams:
    return Streams(model.averages, batch, model.representations, training=False)


def _physical(model: Parts, space: str, values: Array) -> Tensor:
    return tf.cast(of_shape(space, values, model.representations[space].physical_shape), tf.float32)


def _refuse(model: Parts, what: str, why: str | None) -> None:
    if why is not None:
        raise ValueError(f"{model.name} has no {what}: {why}")


class Scores(Parts):
    """Mixin of `Turbo`: log-densities of events in physical units, in nats."""

    def log_prob(
        self,
        x: Array,
        z: Array | None = None,
        *,
        samples: int | None = None,
        seed: int | None = None,
        condition: Array | None = None,
    ) -> Tensor:
        """Log-density of x (n, …) in nats, per event, (n,): exact, or estimated from below.

        Args:
            x: events in physical units, (n, …).
            z: pairs, for the density of x given z.
            samples: number k of draws of the encoder, for the importance-weighted bound
                log 1/k Σ p(x|z) p(z) / q(z|x) (arXiv 1509.00519), which rises to log p(x) with k. It needs
                as much memory as k times the events.
            seed: seed of the draws.
            condition: condition (n, …) of the events, for a model that has one.

        Raises:
            ValueError: if the model has no such density, with the reason.
        """
        with collectives.seed_scope(seed):
            return log_prob(self, x, z, samples, condition)

    def elbo(
        self, x: Array, *, samples: int = 1, seed: int | None = None, condition: Array | None = None
    ) -> Tensor:
        """Evidence lower bound on the log-density of x (n, …) in nats, per event, (n,) (arXiv 1312.6114).

        Args:
            x: events in physical units, (n, …).
            samples: number of draws of the encoder whose mean this is.
            seed: seed of the draws.
            condition: condition (n, …) of the events, for a model that has one.

        Raises:
            ValueError: if the model has no such bound, with the reason.
        """
        with collectives.seed_scope(seed):
            return elbo(self, x, samples, condition)
