"""Trainings in several stages, with other terms or other parts in each."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import keras

from mizoo.compat import inner_layers
from mizoo.core.serialisation import serialisable


@serialisable
class Stage:
    """From a share of the epochs on, train these terms and leave these parts alone.

    Args:
        start: share of the epochs, 0 to 1, after which the stage begins. Each stage has an epoch at
            least, if there are as many epochs as stages.
        weights: of the terms that are trained in it; all others are off.
        frozen: parts of the model that are not trained in it, as in `"decoder.mapper"`.

    Raises:
        ValueError: for a `start` that is no share.
    """

    def __init__(self, start, weights, frozen=()):
        if not 0.0 <= start <= 1.0:
            raise ValueError(f"a stage starts at a share of the epochs, 0 to 1, not at {start}")
        self.start = start
        self.weights = dict(weights)
        self.frozen = tuple(frozen)


def check(stages, model):
    """Check that a model can be trained in these stages.

    Raises:
        ValueError: if they do not begin with the training or are not in order, or if the model lacks a term
            or a part of one.
    """
    starts = [stage.start for stage in stages]
    if stages and (starts[0] != 0.0 or starts != sorted(starts)):
        raise ValueError(f"stages must start at 0 and then in order, not at {', '.join(map(str, starts))}")
    terms = [objective.term for objective in model.objectives]
    for stage in stages:
        for term in stage.weights:
            if term not in terms:
                raise ValueError(f"a stage trains {term!r}; this model has {', '.join(terms)}")
        for part in stage.frozen:
            try:
                found = attrgetter(part)(model)
            except AttributeError:
                found = None
            if not isinstance(found, keras.layers.Layer):
                raise ValueError(f"a stage freezes {part!r}, which is no part of {model.name}")


class Staged(keras.Model):
    """Mixin of `Turbo`: its terms and parts as the stage of a training has them.

    A stage is a state of the training and not of the model: terms keep the weights they were given and
    parts stay `trainable`, so that a file saved within a stage holds the same model as one saved without,
    and the whole state of the optimisers.
    """

    _stage: Stage | None = None

    def enter(self, stage: Stage | None) -> None:
        """Train as a stage says from now on, or with None as the model itself does."""
        if stage is not self._stage:
            self._stage = stage
            self._trace_anew()

    def weight(self, objective) -> float:
        """Weight of a term at present: in the stage of a training, or else its own."""
        return objective.weight if self._stage is None else self._stage.weights.get(objective.term, 0.0)

    @property
    def active(self):
        """The sub-objectives of weight other than 0 at present."""
        return [objective for objective in self.objectives if self.weight(objective)]

    def set_loss_weights(self, weights: dict[str, float]) -> None:
        """Set weights of terms, `{"D_x_hat": 0.5}`; terms of weight 0 are not computed.

        Of a model that is trained in stages, these weights are those of each stage that trains the term.

        Raises:
            ValueError: for a term that this model does not have, or that none of its stages trains; or
                within a stage of a training.
        """
        if self._stage is not None:
            raise ValueError(f"weights of {self.name} cannot be set within a stage of its training")
        by_term = {objective.term: objective for objective in self.objectives}
        for term, weight in weights.items():
            if term not in by_term:
                raise ValueError(f"no term {term!r}; this model has {', '.join(by_term)}")
            if weight and self.stages and not any(term in stage.weights for stage in self.stages):
                raise ValueError(f"no stage of the training of {self.name} has the term {term!r}")
        for term, weight in weights.items():
            by_term[term].weight = float(weight)
            for stage in self.stages:
                if term in stage.weights:
                    stage.weights[term] = float(weight)
        self._trace_anew()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`; within a stage, the same file as without one."""
        with self._without_stage():
            super().save(*args, **kwargs)

    def save_weights(self, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save_weights`; within a stage, the same file as without one."""
        with self._without_stage():
            super().save_weights(*args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.load_weights`, also within a stage."""
        with self._without_stage():
            super().load_weights(*args, **kwargs)

    @contextmanager
    def _without_stage(self):
        """Context in which `active`, by whose places Keras names weights in files, is of no stage."""
        stage, self._stage = self._stage, None
        try:
            yield
        finally:
            self._stage = stage

    def _trace_anew(self):
        self.test_function = None  # traced with the former weights, as is this:
        if self.train_function is not None:
            self.make_train_function(force=True)

    def make_train_function(self, force=False):
        """Function that trains on batches of an iterator, but for what is frozen."""
        if not force and self.train_function is not None:
            return
        super().make_train_function(force=True)
        train = self.train_function

        def function(iterator):
            frozen = () if self._stage is None else self._stage.frozen
            with _frozen([attrgetter(part)(self) for part in frozen]):
                return train(iterator)

        self.train_function = function


class Stages(keras.callbacks.Callback):
    """Take a model through its stages; which one an epoch belongs to depends on its number alone."""

    def __init__(self, stages):
        super().__init__()
        self.stages = stages

    def on_train_begin(self, logs=None):
        check(self.stages, self.model)
        if (missing := len(self.stages) - self.params["epochs"]) > 0:
            warnings.warn(
                f"{self.model.name} has {len(self.stages)} stages of training, and {missing} of them no "
                f"epoch: give more than {self.params['epochs']}",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch, logs=None):
        begun = [i for i in range(len(self.stages)) if self._first_epoch(i) <= epoch]
        self.model.enter(self.stages[begun[-1]])

    def _first_epoch(self, i):
        epochs, later = self.params["epochs"], len(self.stages) - i
        share = int(self.stages[i].start * epochs + 1e-6)  # what should be whole may come out just below
        return min(max(share, i), max(epochs - later, i))


@contextmanager
def _frozen(parts: list[keras.layers.Layer]) -> Iterator[None]:
    """Context in which parts are not trainable, for a step that is traced in it, and then as before."""
    layers = _parents_first(parts)
    flags = [layer.trainable for layer in layers]
    variables = [(variable, variable.trainable) for part in parts for variable in part.variables]
    try:
        for part in parts:
            part.trainable = False
        yield
    finally:
        for layer, flag in zip(layers, flags, strict=True):
            layer.trainable = flag  # that of all within, too, whose turn comes later
        for variable, trainable in variables:
            variable.trainable = trainable


def _parents_first(parts):
    """Layers and all within them, each after those it is in."""
    found: dict[int, keras.layers.Layer] = {}

    def visit(layer):
        if id(layer) not in found:
            for inner in inner_layers(layer):
                visit(inner)
            found[id(layer)] = layer

    for part in parts:
        visit(part)
    return list(found.values())[::-1]
