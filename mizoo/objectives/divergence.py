"""The D terms."""

import keras

from mizoo.objectives.base import Objective
from mizoo.objectives.streams import link
from mizoo.serialisation import build, serialisable


@serialisable
class Divergence(Objective):
    """A divergence between the law of a stream and that of the data it stands for.

    The marginals are decoupled: no event is compared with the event it was made from.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        estimator: of the divergence, an `Estimator`.
        weight: of the term.
        view: layer through which the estimator sees both samples, if any.
    """

    symbol = "D"

    def __init__(self, stream, estimator, weight=1.0, view=None, **kwargs):
        link(stream)
        super().__init__(stream, weight, **kwargs)
        self.estimator = estimator
        self.view = view

    def get_config(self):
        return {
            **super().get_config(),
            "estimator": self.estimator,
            "view": self.view,
        }

    def build(self, shape):
        if self.view is not None:
            build(self.view, shape)
            shape = self.view.compute_output_shape(shape)
        build(self.estimator, shape)
        self.built = True

    @property
    def draws(self):
        return [self.stream]

    @property
    def critic_variables(self):
        return self.estimator.critic_variables

    def _samples(self, streams):
        """Real and generated sample as the estimator sees them."""
        real, fake = streams.target(self.stream), streams[self.stream]
        # Batches are shuffled, so a step of one pairs every event with a random other one.
        real = keras.ops.roll(real, 1, axis=0)
        if self.view is None:
            return real, fake
        return tuple(self.view(sample, training=streams.training) for sample in (real, fake))

    def critic_loss(self, streams):
        return self.estimator.critic_loss(*map(keras.ops.stop_gradient, self._samples(streams)))

    def loss(self, streams):
        return self.estimator.loss(*self._samples(streams))
