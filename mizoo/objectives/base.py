"""What a sub-objective is: one named, weighted term of a model's loss."""

import keras

from mizoo.objectives.streams import link


class Objective(keras.layers.Layer):
    """One term of the loss that the mappers minimise.

    Subclasses set `symbol`, which with the stream names the term, and implement `loss(streams)`.

    Args:
        stream: of which the term speaks.
        weight: of the term; a term of weight 0 is not computed.
        label: appended to the term's name, to tell apart terms of one kind on one stream.

    Raises:
        ValueError: for a name that is none of the four streams'.
    """

    symbol: str

    def __init__(self, stream, weight=1.0, label="", **kwargs):
        super().__init__(**kwargs)
        link(stream)
        self.stream = stream
        self.weight = float(weight)
        self.label = label

    def build(self, x_shape, z_shape):
        """Make weights for batches of coordinates of these shapes."""
        self.built = True

    @property
    def term(self) -> str:
        """Name of the term in logs: the paper's letter and the stream, as in `L_z_tilde`."""
        return "_".join(part for part in (self.symbol, self.stream, self.label) if part)

    @property
    def note(self) -> str:
        """What is special about the term, for the zoo's table."""
        return self.label

    @property
    def critic_term(self) -> str:
        """Name of the critic's loss in logs, as in `critic_z_tilde`."""
        return "critic" + self.term.removeprefix(self.symbol)

    @property
    def least_events(self) -> int:
        """How many events a batch must have, at least, for the term to have a value.

        The losses cannot refuse batches of a size that is known at run time alone: `Turbo` does, by this.
        """
        return 1

    @property
    def draws(self) -> list[str]:
        """The streams of which this term needs draws: its own, unless a subclass knows better."""
        return [self.stream]

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
