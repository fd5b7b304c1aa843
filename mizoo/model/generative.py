"""The interface of trained models, which does not depend on their format."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import tensorflow as tf

from mizoo.core.types import Array, Batch, Shape, Tensor


class GenerativeModel(ABC):
    """A trained model, as returned by `mizoo.load`. Draws are in physical units, float32.

    Draws differ between processes, unless they are given a `seed`, a whole number. A request that the model
    does not support raises a `ValueError` that names it.
    """

    name: str

    @property
    @abstractmethod
    def endpoints(self) -> list[str]:
        """The supported ones of `encode`, `decode`, `reconstruct` and `sample`."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of one event by space, "x" and "z", in physical units, as far as they are known."""

    def encode(
        self,
        x: Array,
        *,
        num_samples: int | None = None,
        noise: Array | None = None,
        seed: int | None = None,
    ) -> Tensor:
        """Draw z given x: unfold, (n, …) to (n, …), or to (n, num_samples, …) given `num_samples`.

        Args:
            x: events in physical units, (n, …).
            num_samples: number of draws per event.
            noise: standard normal numbers (n × num_samples, *`noise_shape("encoder")`), drawn if not given.
            seed: seed that makes the draws reproducible.
        """
        self._require("encode")
        return repeat_draws(lambda events: self._map("encode", events, noise, seed), x, num_samples)

    def decode(
        self,
        z: Array,
        *,
        num_samples: int | None = None,
        noise: Array | None = None,
        seed: int | None = None,
    ) -> Tensor:
        """Draw x given z: simulate, (n, …) to (n, …), or to (n, num_samples, …) given `num_samples`.

        Args:
            z: events in physical units, (n, …).
            num_samples: number of draws per event.
            noise: standard normal numbers (n × num_samples, *`noise_shape("decoder")`), drawn if not given.
            seed: seed that makes the draws reproducible.
        """
        self._require("decode")
        return repeat_draws(lambda events: self._map("decode", events, noise, seed), z, num_samples)

    def reconstruct(
        self, x: Array | None = None, z: Array | None = None, *, seed: int | None = None
    ) -> Tensor:
        """Draw x (n, …) via z, or z (n, …) via x; via the latent space, if the mappers share one.

        Args:
            x, z: events in physical units, (n, …), of one of the two spaces.
            seed: seed that makes the draws reproducible.
        """
        self._require("reconstruct")
        if x is not None and z is None:
            return self._reconstruct("x", x, seed)
        if z is not None and x is None:
            return self._reconstruct("z", z, seed)
        raise ValueError("reconstruct takes either x or z")

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Draw `count` new x, (count, …), from the prior of z.

        Args:
            count: number of draws, 0 or more.
            seed: seed that makes the draws reproducible.
        """
        self._require("sample")
        return self._sample(_whole(count), seed)

    @abstractmethod
    def noise_shape(self, role: str) -> Shape | None:
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none."""

    @abstractmethod
    def latents(self, data: Mapping[str, Array]) -> Batch:
        """Latents (n, d) of events by space, in the latent space that the mappers share.

        Args:
            data: x, z or both by space, (n, …).
        """

    @abstractmethod
    def _map(self, endpoint: str, events: Array, noise: Array | None, seed: int | None) -> Tensor:
        """One draw per event (n, …) by `encode` or `decode`."""

    @abstractmethod
    def _reconstruct(self, space: str, events: Array, seed: int | None) -> Tensor:
        """Draw events (n, …) of a space via the other one."""

    @abstractmethod
    def _sample(self, count: int | Tensor, seed: int | None) -> Tensor:
        """Draw `count` x from the prior of z."""

    def _require(self, endpoint: str) -> None:
        if endpoint not in self.endpoints:
            raise ValueError(f"{self.name} has no {endpoint}, only {', '.join(self.endpoints)}")


def repeat_draws(draw: Callable[[Array], Tensor], events: Array, num_samples: int | None = None) -> Tensor:
    """One draw per event, (n, …), or `num_samples` of them, (n, num_samples, …)."""
    if num_samples is None:
        return draw(events)
    drawn = draw(tf.repeat(events, num_samples, axis=0))
    return tf.reshape(drawn, (-1, num_samples, *drawn.shape[1:]))


def _whole(count: int | Tensor) -> int | Tensor:
    """A valid number of draws, which is a tensor while a graph is traced."""
    if tf.is_tensor(count):
        return count
    try:
        whole = operator.index(count)
    except TypeError:
        whole = -1
    if whole < 0:
        raise ValueError(f"count must be a whole number of 0 or more, not {count!r}")
    return whole
