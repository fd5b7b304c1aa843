"""What a divergence is estimated with."""

import keras


class Estimator(keras.layers.Layer):
    """An estimate of the divergence between the laws of two samples, for the mappers to make small.

    Attributes:
        kind: what the zoo's table calls it.
    """

    kind: str

    def loss(self, real, fake):
        """What the mappers minimise, a scalar, from batches of real and generated events."""
        raise NotImplementedError

    @property
    def critic_variables(self):
        """Trainable variables of the critic, if there is one."""
        return []

    def critic_loss(self, real, fake):
        """What the critic minimises, a scalar; None without a critic."""
        return None
