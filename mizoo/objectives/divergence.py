"""The D terms: divergences between streams and data."""

from collections.abc import Callable, Mapping, Set
from typing import Any

import keras

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.mappers.base import Mapper
from mizoo.mappers.bijection import Bijection
from mizoo.networks.conditioning import joined, joined_shape
from mizoo.objectives.base import Objective
from mizoo.objectives.estimators import Estimator
from mizoo.objectives.informative import NO_ENTROPY, Information, Informative, source
from mizoo.objectives.streams import LINKS, Streams, link


@serialisable
class Divergence(Informative, Objective):
    """A divergence between the distribution of a stream and that of the corresponding data.

    The samples are unpaired, unless a condition is given. Then the term compares the distributions of
    (stream, condition) and (data, condition). A condition of the whole model is joined with both as well.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        estimator: `Estimator` of the divergence; two terms may share one.
        weight: weight of the term.
        view: layer applied to both samples before the estimator, if any.
        condition: name of an additional input of the estimator, such as `"z"`, if any.
        join: layer that joins a list of sample and condition into one array, in place of
            `mizoo.networks.joined`.
        label: suffix of the term's name.

    Raises:
        ValueError: for a condition that is neither x, z nor a stream, and for a `join` without condition.
    """

    symbol = "D"

    def __init__(
        self,
        stream: str,
        estimator: Estimator,
        weight: float = 1.0,
        view: Network | None = None,
        condition: str | None = None,
        join: Network | None = None,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if condition is not None and condition not in ("x", "z", *LINKS):
            raise ValueError(f"condition must be x, z or a stream, not {condition!r}")
        if condition is None and not isinstance(join, keras.layers.Concatenate | None):
            raise ValueError(f"{self.term} has no condition to join its samples with")
        self.estimator = estimator
        self.view = view
        self.condition = condition
        self.join = join

    def build(self, x_shape: BatchShape, z_shape: BatchShape, c_shape: BatchShape | None = None) -> None:
        shapes = {"x": x_shape, "z": z_shape}
        shape = shapes[self.stream[0]]
        if self.view is not None:
            build(self.view, shape)
            shape = self.view.compute_output_shape(shape)
        if self.condition:
            both = [shape, shapes[self.condition[0]]]
            if (join := self.join) is None:
                shape = (None, *joined_shape(*(tuple(one[1:]) for one in both)))
            else:
                build(join, both)
                shape = join.compute_output_shape(both)
        if c_shape is not None:
            shape = (None, *joined_shape(tuple(shape[1:]), tuple(c_shape[1:])))
        build(self.estimator, shape)
        self.built = True

    @property
    def note(self) -> str:
        seen = f" given {self.condition}" if self.condition else ""
        return ", ".join(note for note in (f"{self.estimator.kind}{seen}", self.label) if note)

    @property
    def least_events(self) -> int:
        return self.estimator.least_events

    @property
    def draws(self) -> list[str]:
        return [name for name in (self.stream, self.condition) if name in LINKS]

    @property
    def critic_variables(self) -> list[keras.Variable]:
        return self.estimator.critic_variables

    def samples(self, streams: Streams) -> list[Tensor]:
        """The real and the generated sample, as the estimator takes them."""
        real = streams.target(self.stream) if self.condition else streams.unpaired(self.stream)
        samples = [real, streams[self.stream]]
        if self.view is not None:
            samples = [self.view(sample, training=streams.training) for sample in samples]
        if self.condition:
            join = self.join or (lambda both: joined(*both))
            samples = [join([sample, streams[self.condition]]) for sample in samples]
        real, drawn = samples
        return [streams.joined(real, unpaired=not self.condition), streams.joined(drawn)]

    def informs(self, mappers: Mapping[str, Mapper | None], data: Set[str], priors: Set[str]) -> bool:
        needed = {source(name) for name in self.draws} | {link(self.stream).target}
        return self.estimator.has_nats and needed <= data | priors

    def nats(self, streams: Streams) -> Tensor:
        return self.estimator.nats(self.samples(streams)[0])

    def information(self, nats: float, entropy: Callable[[str], float]) -> Information:
        return Information(f"KL({link(self.stream).target} ‖ {self.stream}) ≈", NO_ENTROPY, nats)

    def critic_loss(self, streams: Streams) -> Tensor:
        return self.estimator.critic_loss(*map(keras.ops.stop_gradient, self.samples(streams)))

    def loss(self, streams: Streams) -> Tensor:
        return self.estimator.loss(*self.samples(streams))


@serialisable
class MaximumLikelihood(Objective):
    """KL(data ‖ stream) in closed form, up to the entropy of the data: -E log of the stream's density.

    For a `Bijection`, whose draws have a known density by the change of variables.

    Args:
        stream: `"x_tilde"` or `"z_tilde"`.
        weight: weight of the term.

    Raises:
        ValueError: for a stream of unknown density, or another mapper.
    """

    symbol = "D"

    def __init__(self, stream: str, weight: float = 1.0, label: str = "", **kwargs: Any) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if link(stream).condition in LINKS:
            raise ValueError(f"the density of {stream} is not known, only those of x_tilde and z_tilde")

    @property
    def note(self) -> str:
        return "closed form"

    @property
    def draws(self) -> list[str]:
        return []

    def loss(self, streams: Streams) -> Tensor:
        mapper = streams.mapper(self.stream)
        if not isinstance(mapper, Bijection):
            raise ValueError(f"{self.term} needs a Bijection, not a mapper that is {mapper.kind}")
        return -keras.ops.mean(mapper.density(streams.target(self.stream)))
