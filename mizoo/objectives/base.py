"""What a sub-objective is: one named, weighted term of a model's loss."""

import keras


class Objective(keras.layers.Layer):
    """One term of the loss that the mappers minimise.

    Subclasses set `symbol`, which with the stream names the term, and implement `loss(streams)`.

    Args:
        stream: of which the term speaks.
        weight: of the term; a term of weight 0 is not computed.
    """

    symbol: str

    def __init__(self, stream, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.stream = stream
        self.weight = float(weight)

    def get_config(self):
        return {**super().get_config(), "stream": self.stream, "weight": self.weight}

    @property
    def term(self) -> str:
        """Name of the term in logs: the paper's letter and the stream, as in `L_z_tilde`."""
        return f"{self.symbol}_{self.stream}"

    @property
    def draws(self) -> list[str]:
        """The streams of which this term needs draws."""
        raise NotImplementedError

    def critic_loss(self, streams):
        """Loss of this term's critic on (detached) streams; None if there is no critic."""
        return None

    @property
    def critic_variables(self):
        """Trainable variables of this term's critic."""
        return []

    def loss(self, streams):
        """The term's value on one batch of `Streams`, a scalar."""
        raise NotImplementedError
