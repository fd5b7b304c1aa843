"""Physical constraints on generated events as terms, for four-momenta px, py, pz, E in GeV."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.mappers.components import indices
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import Streams, link
from mizoo.physics.process import Process


def _objects(term: str, events: Tensor, count: int | None = None) -> Tensor:
    """Events (n, 4 × objects) as objects (n, objects, 4).

    Raises:
        ValueError: for other arrays, or a number of objects other than `count`, if given.
    """
    found, rest = divmod(events.shape[-1], 4)
    if len(events.shape) != 2 or rest or (count is not None and count != found):
        expected = "4 × objects" if count is None else f"4 × {count}"
        raise ValueError(f"{term} is of events (n, {expected}), not of arrays {tuple(events.shape)}")
    return tf.reshape(events, (-1, found, 4))


def _pt(objects: Tensor) -> Tensor:
    return tf.sqrt(tf.reduce_sum(tf.square(objects[..., :2]), -1) + 1e-6)


@serialisable
class MassShell(Objective):
    """Mean squared relative distance of energies from the mass shell, ((E - E_shell) / E_shell)².

    For representations with independent energies; `Momenta` has the mass shell built in.

    Args:
        stream: stream of events.
        masses: masses of the objects, in GeV.
        weight: weight of the term.
    """

    symbol = "shell"

    def __init__(
        self, stream: str, masses: Sequence[float], weight: float = 1.0, label: str = "", **kwargs: Any
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        self.masses = [float(mass) for mass in masses]

    def loss(self, streams: Streams) -> Tensor:
        objects = _objects(self.term, streams.physical(self.stream), len(self.masses))
        squares = tf.reduce_sum(tf.square(objects[..., :3]), -1) + np.square(self.masses, dtype="float32")
        return tf.reduce_mean(tf.square(objects[..., 3] / tf.sqrt(squares + 1e-6) - 1.0))


@serialisable
class Acceptance(Objective):
    """Distance of objects from the acceptance of a detector; 0 if all are accepted.

    The mean over objects of relu(1 - pT / minimum pT) + relu(|η| / maximum |η| - 1).

    Args:
        stream: stream of events.
        pt: minimum transverse momentum of each object, in GeV; 0 for no limit.
        eta: maximum |pseudorapidity| of each object; infinity for no limit.
        weight: weight of the term.
    """

    symbol = "acceptance"

    def __init__(
        self,
        stream: str,
        pt: Sequence[float],
        eta: Sequence[float],
        weight: float = 1.0,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        self.pt = [float(limit) for limit in pt]
        self.eta = [float(limit) for limit in eta]
        if len(self.pt) != len(self.eta) or min(self.pt) < 0.0 or min(self.eta) <= 0.0:
            raise ValueError(
                f"limits must be pt >= 0 and eta > 0 for each object, not {self.pt} and {self.eta}"
            )

    @classmethod
    def of(cls, process: Process, stream: str = "x_tilde", weight: float = 1.0) -> Self:
        """The term for the limits of a process; thresholds that depend on η are evaluated at η = 0.

        Raises:
            ValueError: for a process with a variable number of objects, or features.
        """
        process.check_plain(cls.__name__)
        thresholds = [particle.threshold(np, eta=0.0) for particle in process.x]
        return cls(stream, thresholds, [particle.eta for particle in process.x], weight)

    def loss(self, streams: Streams) -> Tensor:
        objects = _objects(self.term, streams.physical(self.stream), len(self.pt))
        pt = _pt(objects)
        eta = tf.abs(tf.asinh(objects[..., 2] / pt))
        limited = np.array(self.pt) > 0
        soft = tf.nn.relu(1.0 - pt / np.where(limited, self.pt, 1.0).astype("float32"))
        wide = tf.nn.relu(eta / np.array(self.eta, "float32") - 1.0)
        return tf.reduce_mean(tf.where(limited, soft, 0.0) + wide)


@serialisable
class Anchor(Objective):
    """1 - cosine of the angle between an object's momentum before and after a mapper.

    The anchor loss of OTUS (arXiv 2101.08944): it keeps unpaired mappers from permuting events.

    Args:
        stream: `"z_tilde"` or `"x_tilde"`, compared with the x or z that it is drawn from.
        objects: indices of the objects that keep their direction, such as 0 for the lepton.
        weight: weight of the term.
    """

    symbol = "anchor"

    def __init__(
        self,
        stream: str,
        objects: Sequence[int] = (0,),
        weight: float = 1.0,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        self.objects = list(objects)

    def loss(self, streams: Streams) -> Tensor:
        names = link(self.stream).condition, self.stream
        both = [_objects(self.term, streams.physical(name)) for name in names]
        # Some devices return zeros or another object for an index out of range.
        kept = indices("objects", self.objects, min(objects.shape[1] for objects in both))
        before, after = (tf.gather(objects[..., :3], kept, axis=1) for objects in both)
        return 1.0 - tf.reduce_mean(
            keras.ops.sum(keras.ops.normalize(before) * keras.ops.normalize(after), -1)
        )
