"""Trainings in several stages, with other terms or other parts in each."""

from operator import attrgetter

import keras

from mizoo.serialisation import serialisable


@serialisable
class Stage:
    """From a share of the epochs on, train these terms and leave these parts alone.

    Args:
        start: share of the epochs, 0 to 1, after which the stage begins. Each stage has an epoch at
            least, if there are as many epochs as stages.
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
        begun = [i for i in range(len(self.stages)) if self._first_epoch(i) <= epoch]
        now = self.stages[begun[-1]]
        if now is not self._now:
            self._now = now
            self._freeze(now.frozen)
            off = dict.fromkeys((objective.term for objective in self.model.objectives), 0.0)
            self.model.weigh({**off, **now.weights})

    def _first_epoch(self, i):
        epochs, later = self.params["epochs"], len(self.stages) - i
        share = int(self.stages[i].start * epochs + 1e-6)  # what should be whole may come out just below
        return min(max(share, i), max(epochs - later, i))

    def on_train_end(self, logs=None):
        self._freeze(())

    def _freeze(self, frozen):
        for part in {name for stage in self.stages for name in stage.frozen}:
            attrgetter(part)(self.model).trainable = part not in frozen
