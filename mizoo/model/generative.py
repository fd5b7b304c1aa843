"""The interface of trained models, which depends neither on their format nor on TensorFlow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from mizoo.core.whole import check_whole
from mizoo.datasets.checks import invalid

if TYPE_CHECKING:
    from mizoo.core.types import Array, Batch, Shape, Tensor
    from mizoo.physics.process import Process

OnInvalid: TypeAlias = Literal["raise", "nan", "ignore"]
_CHOICES = ("raise", "nan", "ignore")
TRAVERSED = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Values of a component of the latent in `GenerativeModel.traverse`, by default."""


class SelectionEfficiency(Protocol):
    """A model of the probability that events pass a selection, such as `mizoo.Efficiency`."""

    process: Process

    def probability(self, z: Array) -> Array:
        """Probabilities (n,) of partons (n, 4 × partons) in GeV."""


class GenerativeModel(ABC):
    """A trained model, as returned by `mizoo.load`. Draws are in physical units, float32.

    Draws differ between processes, unless they are given a `seed`, a whole number. A request that the model
    does not support raises a `ValueError` that names it.

    No draw is made for events that cannot exist: those with a value that is not finite or, in a model of
    events of a process, with an energy below the momentum |p| or a |p| above the energy of a beam. They
    raise a `ValueError` with the number of the first one, from 0. With `on_invalid="nan"` their draws are
    NaN, and the draws of all other events are what they are without them; with `"ignore"` only values that
    are not finite raise an error.
    """

    name: str
    _probability: Callable[[Array], Array] | None = None  # set by `attach`

    @property
    @abstractmethod
    def endpoints(self) -> list[str]:
        """The supported ones of `encode`, `decode`, `reconstruct` and `sample`."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of one event by space, "x" and "z", in physical units, as far as they are known."""

    @property
    @abstractmethod
    def process(self) -> Process | None:
        """The process whose events the model takes; None for one of other arrays, or if it is not known."""

    def encode(
        self,
        x: Array,
        *,
        num_samples: int | None = None,
        noise: Array | None = None,
        seed: int | None = None,
        on_invalid: OnInvalid = "raise",
        condition: Array | None = None,
    ) -> Tensor:
        """Draw z given x: unfold, (n, …) to (n, …), or to (n, num_samples, …) given `num_samples`.

        Args:
            x: events in physical units, (n, …).
            num_samples: number of draws per event, 1 or more.
            noise: standard normal numbers (n × num_samples, *`noise_shape("encoder")`), drawn if not given.
            seed: seed that makes the draws reproducible, 0 or more.
            on_invalid: `"raise"`, `"nan"` or `"ignore"`, for events that cannot exist.
            condition: condition (n, …) of the events, for a model that has one.
        """
        return self._several("encode", "x", x, num_samples, noise, seed, on_invalid, condition)

    def decode(
        self,
        z: Array,
        *,
        num_samples: int | None = None,
        noise: Array | None = None,
        seed: int | None = None,
        on_invalid: OnInvalid = "raise",
        condition: Array | None = None,
    ) -> Tensor:
        """Draw x given z: simulate, (n, …) to (n, …), or to (n, num_samples, …) given `num_samples`.

        Args:
            z: events in physical units, (n, …).
            num_samples: number of draws per event, 1 or more.
            noise: standard normal numbers (n × num_samples, *`noise_shape("decoder")`), drawn if not given.
            seed: seed that makes the draws reproducible, 0 or more.
            on_invalid: `"raise"`, `"nan"` or `"ignore"`, for events that cannot exist.
            condition: condition (n, …) of the events, for a model that has one.
        """
        return self._several("decode", "z", z, num_samples, noise, seed, on_invalid, condition)

    def reconstruct(
        self,
        x: Array | None = None,
        z: Array | None = None,
        *,
        seed: int | None = None,
        on_invalid: OnInvalid = "raise",
        condition: Array | None = None,
    ) -> Tensor:
        """Draw x (n, …) via z, or z (n, …) via x; via the latent space, if the mappers share one.

        Args:
            x, z: events in physical units, (n, …), of one of the two spaces.
            seed: seed that makes the draws reproducible, 0 or more.
            on_invalid: `"raise"`, `"nan"` or `"ignore"`, for events that cannot exist.
            condition: condition (n, …) of the events, for a model that has one.
        """
        self._require("reconstruct")
        if (x is None) == (z is None):
            raise ValueError("reconstruct takes either x or z")
        space, events = ("z", z) if x is None else ("x", x)
        _check(seed, on_invalid)

        def draw(given: Array, condition: Array | None) -> Tensor:
            return self._reconstruct(space, given, seed, condition)

        return self._valid(space, events, on_invalid, condition, draw)

    def sample(self, count: int, *, seed: int | None = None, condition: Array | None = None) -> Tensor:
        """Draw `count` new x, (count, …), from the prior of z.

        Args:
            count: number of draws, 0 or more.
            seed: seed that makes the draws reproducible, 0 or more.
            condition: condition (count, …) of the draws, for a model that has one.
        """
        self._require("sample")
        _check(seed)
        count = count if self._traced(count) else check_whole("count", count, 0)
        return self._sample(count, seed, condition)

    def attach(self, efficiency: SelectionEfficiency) -> None:
        """Attach the efficiency of the selection of the model's events, for `efficiency`.

        It is not saved with the model, but by its own `save`.

        Raises:
            ValueError: if the efficiency is of other partons than those of the model.
        """
        process = self.process
        if process is None or process.partons != efficiency.process.partons:
            own = "no known process" if process is None else f"{process.name}, with other partons"
            raise ValueError(f"{self.name} takes no efficiency of {efficiency.process.name}: it has {own}")
        self._probability = efficiency.probability  # no layer, which Keras would count among its parts

    def efficiency(self, z: Array) -> Tensor:
        """Probability that events pass the selection, given their partons, (n,).

        Its sum over the partons of a generated sample is the expected number of selected events.

        Args:
            z: partons (n, 4 × partons) in GeV.

        Raises:
            ValueError: if no efficiency is attached, or partons cannot exist.
        """
        if self._probability is None:
            raise ValueError(
                f"{self.name} has no efficiency: train a mizoo.Efficiency on partons and a flag that "
                "tells which pass the selection, and attach it"
            )
        probability = self._probability

        def predict(events: Array, condition: Array | None) -> Tensor:
            return self._own(np.asarray(probability(events)))

        return self._valid("z", z, "raise", None, predict)

    @abstractmethod
    def noise_shape(self, role: str) -> Shape | None:
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none."""

    @abstractmethod
    def latents(self, data: Mapping[str, Array]) -> Batch:
        """Latents (n, d) of events by space: see `mizoo.model.codes.Codes.latents`.

        Args:
            data: x, z or both by space, (n, …).
        """

    @abstractmethod
    def interpolate(self, a: Array, b: Array, steps: int = 8, *, condition: Array | None = None) -> Tensor:
        """Events between a and b, (n, steps, …): see `mizoo.model.codes.Codes.interpolate`."""

    @abstractmethod
    def traverse(
        self,
        x: Array,
        values: Sequence[float] = TRAVERSED,
        components: Sequence[int] | None = None,
        *,
        condition: Array | None = None,
    ) -> Tensor:
        """Events with changed latents, (n, components, values, …): see `Codes.traverse`."""

    @abstractmethod
    def log_prob(
        self,
        x: Array,
        z: Array | None = None,
        *,
        samples: int | None = None,
        seed: int | None = None,
        condition: Array | None = None,
    ) -> Tensor:
        """Log-density of x in nats, (n,): see `mizoo.model.scores.Scores.log_prob`."""

    @abstractmethod
    def elbo(
        self, x: Array, *, samples: int = 1, seed: int | None = None, condition: Array | None = None
    ) -> Tensor:
        """Lower bound on the log-density of x in nats, (n,): see `mizoo.model.scores.Scores.elbo`."""

    @abstractmethod
    def _map(
        self, endpoint: str, events: Array, noise: Array | None, seed: int | None, condition: Array | None
    ) -> Tensor:
        """One draw per event (n, …) by `encode` or `decode`."""

    @abstractmethod
    def _reconstruct(self, space: str, events: Array, seed: int | None, condition: Array | None) -> Tensor:
        """Draw events (n, …) of a space via the other one."""

    @abstractmethod
    def _sample(self, count: int | Tensor, seed: int | None, condition: Array | None) -> Tensor:
        """Draw `count` x from the prior of z."""

    def _require(self, endpoint: str) -> None:
        if endpoint not in self.endpoints:
            raise ValueError(f"{self.name} has no {endpoint}, only {', '.join(self.endpoints)}")

    # ---------------------------------------------------------------- arrays, here those of NumPy

    def _traced(self, values: Any) -> bool:
        """Whether values are a tensor without values, while a graph is traced."""
        return False

    def _repeated(self, events: Array, count: int) -> Array:
        """Events (n, …), each repeated, (n × count, …)."""
        return np.repeat(events, count, axis=0)

    def _grouped(self, drawn: Tensor, count: int) -> Tensor:
        """Draws (n × count, …) by event, (n, count, …)."""
        return np.reshape(drawn, (len(drawn) // count, count, *drawn.shape[1:]))

    def _own(self, values: np.ndarray) -> Tensor:
        """An array of the kind that the model returns."""
        return values

    # ---------------------------------------------------------------- checks

    def _several(
        self,
        endpoint: str,
        space: str,
        events: Array,
        count: int | None,
        noise: Array | None,
        seed: int | None,
        on_invalid: OnInvalid,
        condition: Array | None,
    ) -> Tensor:
        self._require(endpoint)
        _check(seed, on_invalid)
        if count is not None:
            count = check_whole("num_samples", count, 1)

        def draw(given: Array, condition: Array | None) -> Tensor:
            if count is None:
                return self._map(endpoint, given, noise, seed, condition)
            if condition is not None:
                condition = self._repeated(condition, count)
            drawn = self._map(endpoint, self._repeated(given, count), noise, seed, condition)
            return self._grouped(drawn, count)

        return self._valid(space, events, on_invalid, condition, draw)

    def _valid(
        self,
        space: str,
        events: Array,
        on_invalid: OnInvalid,
        condition: Array | None,
        draw: Callable[[Array, Array | None], Tensor],
    ) -> Tensor:
        """Draws for events that can exist; NaN, if asked for, for others."""
        if self._traced(events):
            return draw(events, condition)
        values = np.asarray(events)
        if values.dtype.kind not in "fiub":
            raise ValueError(f"{space} must be an array of real numbers, got {_kind(events, values)}")
        if not values.ndim or list(values.shape[1:]) != self.shapes.get(space, list(values.shape[1:])):
            return draw(events, condition)  # which tells the shape that it needs
        process = None if on_invalid == "ignore" else self.process
        wrong = invalid(values, process, space)
        if not wrong:
            return draw(events, condition)
        first = min(wrong)
        if on_invalid != "nan":
            raise ValueError(
                f"{space}, event {first}: {wrong[first]}; of {len(values)} events {len(wrong)} cannot "
                "exist: leave them out, or set on_invalid='nan'"
            )
        bad = np.isin(np.arange(len(values)), list(wrong))
        # In place of a bad event a good one, if there is any, so that the others keep their random numbers.
        filled = values[~bad][:0] if bad.all() else np.where(_like(bad, values), values[~bad][0], values)
        given = condition if condition is None or len(filled) else np.asarray(condition)[:0]
        drawn = np.asarray(draw(filled, given))
        found = np.full((len(values), *drawn.shape[1:]), np.nan, drawn.dtype)
        if not bad.all():
            found[~bad] = drawn[~bad]
        return self._own(found)


def _like(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A mask (n,) as (n, 1, …), with as many axes as values."""
    return mask.reshape(-1, *(1,) * (values.ndim - 1))


def _kind(events: Any, values: np.ndarray) -> str:
    return values.dtype.name if isinstance(events, np.ndarray) else type(events).__name__


def _check(seed: int | None, on_invalid: str = "raise") -> None:
    if seed is not None and check_whole("seed", seed, 0) >= 2**63:
        raise ValueError(f"seed must be below 2**63, got {seed}")
    if on_invalid not in _CHOICES:
        raise ValueError(f"on_invalid must be one of {', '.join(map(repr, _CHOICES))}, got {on_invalid!r}")
