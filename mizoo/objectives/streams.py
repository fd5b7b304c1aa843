"""The two paths of the theory, computed as far as they are asked for."""

from typing import NamedTuple

import keras


class Link(NamedTuple):
    """How a stream comes about: by which mapper, from what, to be compared with what."""

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


def link(stream):
    """The `Link` of a stream.

    Raises:
        ValueError: for a name that is none of the four streams'.
    """
    if stream not in LINKS:
        raise ValueError(f"stream must be one of {', '.join(LINKS)}, not {stream!r}")
    return LINKS[stream]


def with_ancestors(streams):
    """The streams of `streams` and those they are computed from, in the order of `LINKS`."""
    wanted = set(streams)
    for name in reversed(LINKS):
        if name in wanted and LINKS[name].condition in LINKS:
            wanted.add(LINKS[name].condition)
    return [name for name in LINKS if name in wanted]


class Streams:
    """One batch with its streams, each computed once, when first asked for.

    Args:
        mappers: the mappers by role, `"encoder"` and `"decoder"`.
        batch: the data by space, `"x"` and `"z"`, in coordinates; one may be missing.
        training: passed to the mappers.
    """

    def __init__(self, mappers, batch, training=None):
        self._mappers = mappers
        self._values = dict(batch)
        self._conditionals = {}
        self.training = training

    def given(self, stream):
        """The conditional distribution that `stream` is drawn from."""
        if stream not in self._conditionals:
            mapper, condition, _ = link(stream)
            self._conditionals[stream] = self._mappers[mapper].given(
                self[condition], training=self.training
            )
        return self._conditionals[stream]

    def target(self, stream):
        """The data that `stream` is compared with."""
        return self[link(stream).target]

    def __getitem__(self, name):
        """The batch of data `"x"` or `"z"`, or a draw of a stream."""
        if name not in self._values:
            if name in ("x", "z"):
                raise ValueError(f"this model's sub-objectives need {name!r}, and the data have none")
            # Coordinates are float32, as the data's are, whatever the policy of the mappers.
            self._values[name] = keras.ops.cast(self.given(name).sample(), "float32")
        return self._values[name]
