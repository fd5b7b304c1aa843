"""The streams of the two paths of the theory, computed on demand."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import keras

from mizoo.core.prior import Prior
from mizoo.core.types import Batch, Tensor
from mizoo.distribute import collectives
from mizoo.mappers.base import Mapper
from mizoo.mappers.conditional import Conditional
from mizoo.networks.conditioning import joined
from mizoo.representations.base import Representation


class Link(NamedTuple):
    """The mapper that draws a stream, the condition of the draw, and the target to compare it with."""

    mapper: str
    condition: str
    target: str


# Direct path x -> z_tilde -> x_hat, reverse path z -> x_tilde -> z_hat (arXiv 2112.10629, fig. 1).
LINKS = {
    "z_tilde": Link("encoder", "x", "z"),
    "x_hat": Link("decoder", "z_tilde", "x"),
    "x_tilde": Link("decoder", "z", "x"),
    "z_hat": Link("encoder", "x_tilde", "z"),
}


def link(stream: str) -> Link:
    """The `Link` of a stream.

    Raises:
        ValueError: for an unknown stream.
    """
    if stream not in LINKS:
        raise ValueError(f"stream must be one of {', '.join(LINKS)}, not {stream!r}")
    return LINKS[stream]


def with_ancestors(streams: Iterable[str]) -> list[str]:
    """The given streams and those that they are computed from, in the order of `LINKS`."""
    wanted = set(streams)
    for name in reversed(LINKS):
        if name in wanted and LINKS[name].condition in LINKS:
            wanted.add(LINKS[name].condition)
    return [name for name in LINKS if name in wanted]


class Streams:
    """One batch and its streams, each computed once, on first access.

    Args:
        mappers: mappers by role, `"encoder"` and `"decoder"`.
        batch: data by space, `"x"` and `"z"`, in coordinates (n, …). A missing space is drawn from its
            prior, if it has one. A condition `"c"`, if any, is joined with the input of every mapper.
        representations: representations by space.
        training: passed to the mappers.

    Attributes:
        size: number of events of the batch.
    """

    def __init__(
        self,
        mappers: Mapping[str, Mapper | None],
        batch: Batch,
        representations: Mapping[str, Representation],
        training: bool | None = None,
    ) -> None:
        self._mappers = mappers
        self._batch = batch
        self._values = dict(batch)
        self.size = keras.ops.shape(next(iter(batch.values())))[0]
        self._conditionals: dict[str, Conditional] = {}
        self._unpaired: Batch = {}
        self._paired_samples: dict[float, Streams] = {}
        self.representations = representations
        self.training = training

    def paired_samples(self, fraction: float) -> "Streams":
        """The streams of the first `fraction` of the batch, repeated once, for two draws per event.

        They are drawn as at inference, without training behaviour.
        """
        if fraction not in self._paired_samples:
            count = keras.ops.cast(keras.ops.ceil(fraction * keras.ops.cast(self.size, "float32")), "int32")
            batch = {space: keras.ops.concatenate([v[:count]] * 2) for space, v in self._batch.items()}
            self._paired_samples[fraction] = Streams(
                self._mappers, batch, self.representations, training=False
            )
        return self._paired_samples[fraction]

    def distribution(self, stream: str) -> Conditional:
        """The conditional distribution that `stream` is drawn from."""
        if stream not in self._conditionals:
            condition, mapper = link(stream).condition, self.mapper(stream)
            shape = self.representations[stream[0]].shape
            if tuple(mapper.shape) != tuple(shape):
                raise ValueError(
                    f"the {link(stream).mapper} draws arrays {tuple(mapper.shape)}, "
                    f"but coordinates of {stream[0]} have shape {tuple(shape)}"
                )
            if condition in LINKS and mapper.shares_latent:
                made = mapper.decode_latent(self.distribution(condition), training=self.training)
            else:
                made = mapper.distribution(self.joined(self[condition]), training=self.training)
            if not isinstance(made, Conditional):
                raise ValueError(
                    f"the distribution of {type(mapper).__name__} must be a mizoo.mappers.Conditional, "
                    f"such as TFPDistribution, not a {type(made).__name__}"
                )
            self._conditionals[stream] = made
        return self._conditionals[stream]

    def mapper(self, stream: str) -> Mapper:
        """The mapper that draws `stream`.

        Raises:
            ValueError: if it is missing.
        """
        mapper = self._mappers[link(stream).mapper]
        if mapper is None:
            raise ValueError(f"{stream} needs a mapper that is missing: the {link(stream).mapper}")
        return mapper

    def target(self, stream: str) -> Tensor:
        """The data that `stream` is compared with."""
        return self[link(stream).target]

    def unpaired(self, stream: str) -> Tensor:
        """The data that `stream` is compared with, of other events.

        Batches are shuffled, so that a shift by one event makes random pairs.
        """
        return self._rolled(link(stream).target)

    def _rolled(self, space: str) -> Tensor:
        if space not in self._unpaired:
            self._unpaired[space] = collectives.rolled(self[space])
        return self._unpaired[space]

    def joined(self, values: Tensor, unpaired: bool = False) -> Tensor:
        """Values (n, …) with the condition of their events, see `mizoo.networks.joined`.

        Args:
            values: values in the order of the batch, or of `unpaired`.
            unpaired: whether they are of other events, as from `unpaired`.
        """
        if "c" not in self._batch:
            return values
        return joined(values, self._rolled("c") if unpaired else self["c"])

    def __getitem__(self, name: str) -> Tensor:
        """The batch of `"x"` or `"z"`, or a draw of a stream, in coordinates."""
        if name not in self._values:
            draw = self._draw(name) if name in ("x", "z") else self.distribution(name).sample()
            # Coordinates are float32, like those of the data, under any policy of the mappers.
            self._values[name] = keras.ops.cast(draw, "float32")
        return self._values[name]

    def physical(self, name: str) -> Tensor:
        """`self[name]` in physical units."""
        return self.representations[name[0]].inverse(self[name])

    def _draw(self, space: str) -> Tensor:
        prior = self.representations[space]
        if not isinstance(prior, Prior):
            raise ValueError(f"the sub-objectives of this model need {space!r}, which the data do not have")
        return prior.sample(self.size)
