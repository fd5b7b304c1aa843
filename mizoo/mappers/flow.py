"""Conditional normalising flows, with bijectors of TensorFlow Probability."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, revived, serialisable
from mizoo.core.types import BatchShape, Config, Network, Shape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.mappers.components import indices
from mizoo.mappers.conditional import Conditional
from mizoo.mappers.coupling import SplineCoupling
from mizoo.mappers.masks import alternating, by_seed, untouched
from mizoo.networks.dropout import Dropout

# The first couplings are the steepest, from a circle to a narrow peak, and turn errors of 1e-6 into 1e-4.
_EXACT = 2


class FlowDistribution(Conditional):
    """The distribution of base noise transformed by couplings, given a context."""

    def __init__(
        self, flow: "Flow", context: Tensor, noise: Callable[[], Tensor], training: bool | None
    ) -> None:
        self._flow = flow
        self._training = training
        self._context = keras.ops.cast(context, "float32")
        self._noise = noise

    @property
    def latent(self) -> Tensor:
        """Context (n, d) that the flow's network computes from the conditions."""
        return self._context

    def sample(self) -> Tensor:
        values = self._flow.base(tf.cast(self._noise(), tf.float32))
        for coupling in self._flow.chain:
            values, _ = coupling(values, self._context, training=self._training)
        return tf.reshape(values * self._flow.unit, (-1, *self._flow.shape))

    def noise_of(self, target: Tensor) -> Tensor:
        """The noise (n, d) that maps to `target` (n, …)."""
        values, _ = self._pulled(target)
        return self._flow.unbase(values)

    def log_prob(self, target: Tensor) -> Tensor:
        values, change = self._pulled(target)
        return change + tf.reduce_sum(self._flow.base_log_prob(values), -1)

    def _pulled(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Base values (n, d) of a target, and the log-determinant (n,) of the map to them."""
        flow = self._flow
        values = tf.reshape(tf.cast(target, tf.float32), (-1, len(flow.unit))) / flow.unit
        total = -np.log(flow.unit).sum()
        for coupling in reversed(flow.chain):
            values, change = coupling(values, self._context, inverse=True, training=self._training)
            total += change
        return values, total


@serialisable
class Flow(Mapper):
    """A conditional coupling flow: exact likelihood and one-pass, differentiable samples.

    Args:
        shape: shape of one target.
        angles: indices of components that are angles in [-π, π).
        couplings: number of `SplineCoupling` layers.
        units: units of the couplings' hidden layers; the network of the context has twice as many.
        bins, bound: see `SplineCoupling`.
        dropout: dropout rate of the context's features.
        view: layer applied to the condition first, if any.
        masks: indices of the components that each coupling transforms, one list per coupling; by default
            alternating complementary halves, see `mizoo.mappers.masks`.

    Raises:
        ValueError: for indices that are out of range or repeated, for a number of masks other than
            `couplings`, and for no coupling.

    Warns:
        UserWarning: for components that no coupling transforms. They are drawn from the base distribution,
            independently of the condition and the other components.
    """

    kind = "flow"

    def __init__(
        self, shape: Shape, angles: Sequence[int] = (), couplings: int = 8, units: int = 128,
        bins: int = 8, bound: float = 6.0, dropout: float = 0.0, view: Network | None = None,
        masks: Sequence[Sequence[int]] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(shape, **kwargs)
        components = math.prod(self.shape)
        self.angles = indices("angles", angles, components)
        self.couplings = couplings
        self.units = units
        self.bins = bins
        self.bound = bound
        self.dropout = dropout
        self.view = view
        masks = alternating(components, couplings) if masks is None else masks
        if not len(masks) == couplings > 0:
            raise ValueError(f"a flow of {couplings} couplings cannot have {len(masks)} masks")
        self.masks = tuple(map(tuple, masks))
        self._angular = np.isin(np.arange(components), self.angles)
        # Size of an internal unit in coordinates: inside the flow, angles have the period 2 bound.
        self.unit = np.where(self._angular, math.pi / bound, 1.0).astype("float32")
        self.context = keras.Sequential(
            [
                keras.layers.Dense(2 * units, activation="silu"),
                Dropout(dropout),
                keras.layers.Dense(2 * units, activation="silu"),
                Dropout(dropout),
                keras.layers.Dense(units // 2),
            ],
            name="context",
        )
        self.chain = [
            SplineCoupling(components, mask, self.angles, units, bins, bound, exact=i < _EXACT)
            for i, mask in enumerate(self.masks)
        ]
        if left := untouched(components, self.masks):
            warnings.warn(
                f"no coupling of the flow transforms components {left} of {components}: they are drawn "
                "from the base distribution, independently of the condition and the other components",
                stacklevel=2,
            )

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A flow from its configuration; earlier versions, which saved no masks, drew them by seed."""
        former = [by_seed(math.prod(config["shape"]), i) for i in range(config["couplings"])]
        return cls(**revived({"masks": former, **config}))

    def build(self, condition_shape: BatchShape) -> None:
        if self.view is not None:
            build(self.view, condition_shape)
            condition_shape = self.view.compute_output_shape(condition_shape)
        build(self.context, condition_shape)
        for coupling in self.chain:
            build(coupling, (None, math.prod(self.shape)), (None, self.units // 2))
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape:
        return (math.prod(self.shape),)

    def base(self, noise: Tensor) -> Tensor:
        """Map standard normal noise to the base distribution: normal, and uniform for angles."""
        return tf.where(self._angular, self.bound * tf.math.erf(noise / math.sqrt(2.0)), noise)

    def unbase(self, values: Tensor) -> Tensor:
        """Inverse of `base`."""
        share = tf.clip_by_value(values / self.bound, -1.0 + 1e-7, 1.0 - 1e-7)
        return tf.where(self._angular, math.sqrt(2.0) * tf.math.erfinv(share), values)

    def base_log_prob(self, values: Tensor) -> Tensor:
        """Log-density of the base distribution at values (n, d), per component, (n, d)."""
        normal = -0.5 * (tf.square(values) + math.log(2.0 * math.pi))
        return tf.where(self._angular, -math.log(2.0 * self.bound), normal)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> FlowDistribution:
        seen = condition if self.view is None else self.view(condition, training=training)
        context = self.context(seen, training=training)
        return FlowDistribution(self, context, self.draw(condition, noise), training)
