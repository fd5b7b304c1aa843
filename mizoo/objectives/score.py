"""The S terms."""

from keras import ops

from mizoo import replicas
from mizoo.objectives.base import Objective
from mizoo.serialisation import build, serialisable


@serialisable
class Score(Objective):
    """How far draws are from the truth that they were made for, beside how far they are from each other.

    For each feature of an event it is the continuous ranked probability score E|X - y| - E|X - X'|/2
    (Gneiting and Raftery, JASA 102, 2007, eq. 21), in units of E|X - y|; then the mean over features. It is
    least where the law of the draws is that of the data, given the condition, feature by feature: then
    it is 1/2. It trains draws as they come out of a sampler, where a likelihood trains a network.

    If `pooled`, all draws stand for all truths: X, y and X' are of different events, and the score is least
    where the marginal laws are those of the data. Of these a batch says more than of conditional laws, of
    which it has one truth each: so small errors that all events share are found sooner; and those of what
    draws keep of their `condition`, if the view sees both.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        weight: of the term.
        view: layer of the target's coordinates that gives the features (n, d), if they are not these
            themselves.
        share: of the batch's events for which draws are made, the first ones.
        pooled: whether draws and truths are of different events; the share is of two at least, then.
        condition: name of what the view sees beside the target's coordinates, such as `"z"`, if anything;
            the view is called with a list of both, then.
        label: appended to the term's name.
    """

    symbol = "S"

    def __init__(
        self, stream, weight=1.0, view=None, share=1.0, pooled=False, condition=None, label="", **kwargs
    ):
        super().__init__(stream, weight, label, **kwargs)
        self.view = view
        self.share = share
        self.pooled = pooled
        self.condition = condition

    def build(self, x_shape, z_shape):
        shapes = {"x": x_shape, "z": z_shape}
        if self.view is not None:
            shape = shapes[self.stream[0]]
            build(self.view, [shape, shapes[self.condition[0]]] if self.condition else shape)
        self.built = True

    def loss(self, streams):
        streams = streams.twice(self.share)
        truth = ops.stop_gradient(streams.target(self.stream))
        drawn, true = (self._features(c, streams) for c in (streams[self.stream], truth))
        (one, other), (true, _) = ops.split(drawn, 2), ops.split(true, 2)
        distance = _of_others if self.pooled else _of_same
        far = (distance(one, true) + distance(other, true)) / 2.0
        return ops.mean((far - distance(one, other) / 2.0) / ops.stop_gradient(far + 1e-6))

    def _features(self, coordinates, streams):
        seen = [coordinates, streams[self.condition]] if self.condition else coordinates
        return ops.cast(coordinates if self.view is None else self.view(seen), "float32")


def _of_same(a, b):
    """Mean distances (d,) of features a (n, d) and b (n, d) of the same events."""
    return ops.mean(ops.abs(a - b), 0)


def _of_others(a, b):
    """Mean distances (d,) of features a (n, d) and b (n, d) of different events."""
    a, b = replicas.gather(a), replicas.gather(b)
    count = ops.cast(ops.shape(a)[0], "float32")
    return (count * ops.mean(ops.abs(a[:, None] - b), (0, 1)) - _of_same(a, b)) / (count - 1.0)
