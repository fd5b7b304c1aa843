"""Trainings in several stages, with other terms or other parts in each."""

from operator import attrgetter

import keras

from mizoo.serialisation import serialisable


@serialisable
class Stage:
    """From a share of the epochs on, train these terms and leave these parts alone.

    Args:
        start: share of the epochs, 0 to 1, after which the stage begins.
        weights: of the terms that are trained in it; all others are off.
        frozen: parts of the model that are not trained in it, as in `"decoder.mapper"`.
    """

    def __init__(self, start, weights, frozen=()):
        self.start = start
        self.weights = dict(weights)
        self.frozen = tuple(frozen)


class Stages(keras.callbacks.Callback):
    """Take a model through its stages; which one an epoch belongs to depends on its number alone."""

    def __init__(self, stages):
        super().__init__()
        self.stages = stages
        self._now = None

    def on_epoch_begin(self, epoch, logs=None):
        done = epoch / self.params["epochs"]
        now = max((stage for stage in self.stages if stage.start <= done), key=lambda stage: stage.start)
        if now is not self._now:
            self._now = now
            self._freeze(now.frozen)
            off = dict.fromkeys((objective.term for objective in self.model.objectives), 0.0)
            self.model.weigh({**off, **now.weights})

    def on_train_end(self, logs=None):
        self._freeze(())

    def _freeze(self, frozen):
        for part in {name for stage in self.stages for name in stage.frozen}:
            attrgetter(part)(self.model).trainable = part not in frozen
