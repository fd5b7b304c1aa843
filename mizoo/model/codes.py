"""Codes of events in the latent space of an auto-encoder, and paths between and along them."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from mizoo.core.types import Array, Batch, Tensor
from mizoo.mappers.base import Mapper
from mizoo.model.generative import TRAVERSED
from mizoo.model.inputs import check_condition, coordinates, with_condition
from mizoo.model.parts import Parts
from mizoo.networks.conditioning import joined
from mizoo.objectives.streams import Streams


def noiseless(mapper: Mapper, condition: Tensor) -> Tensor:
    """Draws (n, …) by noise 0: the means of normal distributions, and the most probable categories."""
    shape = mapper.noise_shape(tuple(condition.shape[1:]))
    noise = None if shape is None else tf.zeros((tf.shape(condition)[0], *shape))
    return mapper(condition, noise=noise)


class Codes(Parts):
    """Mixin of `Turbo`: latents of events, and events from paths of latents."""

    def latents(self, data: Mapping[str, Array]) -> Batch:
        """Latents (n, d) of events by space, given their condition "c", if the model has one.

        They are those of the latent space that the mappers share. If they share none and z has a prior, as
        in auto-encoders, the latent of x is z by the encoder's mean, or its mode for categories.

        Raises:
            ValueError: for a model without latents.
        """
        check_condition(self, data)
        batch = {space: coordinates(self, space, values) for space, values in data.items()}
        streams = Streams(self.averages, batch, self.representations, training=False)
        encoder = self.averages["encoder"]
        found: Batch = {}
        for space in batch.keys() & {"x", "z"}:
            if not self.has_prior or encoder is None or encoder.shares_latent:
                found[space] = streams.distribution("z_tilde" if space == "x" else "x_tilde").latent
            elif space == "x":
                found[space] = noiseless(encoder, streams.joined(batch["x"]))
            else:
                found[space] = batch["z"]
        return found

    def interpolate(self, a: Array, b: Array, steps: int = 8, *, condition: Array | None = None) -> Tensor:
        """Events on straight lines in the latent space between the latents of a and b, (n, steps, …).

        Args:
            a, b: x in physical units, (n, …) each.
            steps: number of events on each line, both ends included, 2 or more.
            condition: condition (n, …) of all events on a line, for a model that has one.

        Raises:
            ValueError: for a model without encoder, decoder or prior of z, for other shapes and `steps`.
        """
        if steps < 2:
            raise ValueError(f"steps must be 2 or more, got {steps}")
        start, end = (self._codes("interpolate", events, condition) for events in (a, b))
        if len(start) != len(end):
            raise ValueError(f"a and b must be as many events, got {len(start)} and {len(end)}")
        share = tf.linspace(0.0, 1.0, steps)[:, None]
        return self._decoded(start[:, None] * (1.0 - share) + end[:, None] * share, condition)

    def traverse(
        self,
        x: Array,
        values: Sequence[float] = TRAVERSED,
        components: Sequence[int] | None = None,
        *,
        condition: Array | None = None,
    ) -> Tensor:
        """Events with one component of their latent set to each of some values, (n, components, values, …).

        Args:
            x: events in physical units, (n, …).
            values: values of the component.
            components: indices of the components; by default all.
            condition: condition (n, …) of the events, for a model that has one.

        Raises:
            ValueError: as `interpolate`, and for a component that the latent does not have.
        """
        codes = self._codes("traverse", x, condition)
        size = codes.shape[-1]
        chosen = list(range(size)) if components is None else list(components)
        if wrong := [i for i in chosen if not 0 <= i < size]:
            raise ValueError(f"components must be 0 to {size - 1}, got {wrong[0]}")
        moved = tf.reshape(tf.constant(values, tf.float32), (1, 1, -1, 1))
        is_moved = tf.constant(np.eye(size, dtype=bool)[chosen])[None, :, None]
        return self._decoded(tf.where(is_moved, moved, codes[:, None, None]), condition)

    def _codes(self, what: str, x: Array, condition: Array | None) -> Tensor:
        if not self.has_prior or None in self.mappers.values():
            raise ValueError(f"{self.name} has no {what}: it needs an encoder, a decoder and a prior of z")
        encoder = self.averages["encoder"]
        if encoder is not None and encoder.shares_latent:
            raise ValueError(f"{self.name} has no {what}: its decoder takes more than z")
        return self.latents(with_condition(self, {"x": x}, condition))["x"]

    def _decoded(self, codes: Tensor, condition: Array | None) -> Tensor:
        """Events (n, …, *shape) of codes (n, …, d), by the decoder without noise."""
        decoder, x = self.averages["decoder"], self.x_representation
        assert decoder is not None  # checked by `_codes`
        flat = tf.reshape(codes, (-1, codes.shape[-1]))
        if condition is not None:
            condition = tf.repeat(condition, len(flat) // len(codes), axis=0)
        data = with_condition(self, {"z": flat}, condition)
        given = {space: coordinates(self, space, values) for space, values in data.items()}
        drawn = x.inverse(noiseless(decoder, joined(given["z"], given.get("c"))))
        return tf.reshape(drawn, (*codes.shape[:-1], *x.physical_shape))
