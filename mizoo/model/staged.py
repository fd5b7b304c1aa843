"""Training of a model in stages."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import keras

from mizoo.compat import inner_layers
from mizoo.distribute.train_function import Logs, TrainFunction, WrappedTrainFunction
from mizoo.model.parts import Parts
from mizoo.model.stages import Stage
from mizoo.objectives.base import Objective


def check(stages: Sequence[Stage], model: Parts) -> None:
    """Check that a model can be trained in these stages.

    Raises:
        ValueError: if they do not start at 0 or are not in order, or if the model does not have one of
            their terms or parts.
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


class Staged(WrappedTrainFunction, Parts):
    """Mixin of `Turbo`: terms and trainable parts in the stages of a training.

    A stage is a state of the training, not of the model: terms keep their own weights and parts stay
    `trainable`. A file saved within a stage therefore holds the same model as one saved without, and the
    whole state of the optimisers.
    """

    _stage: Stage | None = None

    def enter(self, stage: Stage | None) -> None:
        """Train in this stage from now on; None for the model's own weights and parts."""
        if stage is not self._stage:
            self._stage = stage
            self._trace_anew()

    def weight(self, objective: Objective) -> float:
        """Current weight of a term: that of the stage, or else its own."""
        return objective.weight if self._stage is None else self._stage.weights.get(objective.term, 0.0)

    @property
    def active(self) -> list[Objective]:
        """The sub-objectives whose current weight is not 0."""
        return [objective for objective in self.objectives if self.weight(objective)]

    def set_loss_weights(self, weights: dict[str, float]) -> None:
        """Set weights of terms, such as `{"D_x_hat": 0.5}`; terms of weight 0 are not computed.

        If the model is trained in stages, the weights are those of each stage that trains the term.

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
    def _without_stage(self) -> Iterator[None]:
        """Context without a stage, as Keras names the weights in files by places in `active`."""
        stage, self._stage = self._stage, None
        try:
            yield
        finally:
            self._stage = stage

    def _trace_anew(self) -> None:
        self.test_function = None  # traced with the former weights, like the next one
        if self.train_function is not None:
            self.make_train_function(force=True)

    def execute(self, train: TrainFunction, iterator: Iterator[Any]) -> Logs:
        """Train on the batches of one execution, without the frozen parts."""
        frozen = () if self._stage is None else self._stage.frozen
        with _frozen([attrgetter(part)(self) for part in frozen]):
            return super().execute(train, iterator)


class Stages(keras.callbacks.Callback):
    """Takes a model through its stages; the stage of an epoch depends on its number only."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.stages = stages

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the stages, and warn if some have no epoch."""
        check(self.stages, self.model)
        if (missing := len(self.stages) - self.params["epochs"]) > 0:
            warnings.warn(
                f"{self.model.name} has {len(self.stages)} stages of training, and {missing} of them no "
                f"epoch: give more than {self.params['epochs']}",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Enter the stage of an epoch."""
        begun = [i for i in range(len(self.stages)) if self._first_epoch(i) <= epoch]
        self.model.enter(self.stages[begun[-1]])

    def _first_epoch(self, i: int) -> int:
        epochs: int = self.params["epochs"]
        later = len(self.stages) - i
        share = int(self.stages[i].start * epochs + 1e-6)  # rounding may give just less than a whole number
        return min(max(share, i), max(epochs - later, i))


@contextmanager
def _frozen(parts: list[keras.layers.Layer]) -> Iterator[None]:
    """Context in which parts are not trainable, for a step that is traced in it."""
    layers = _parents_first(parts)
    flags = [layer.trainable for layer in layers]
    variables = [(variable, variable.trainable) for part in parts for variable in part.variables]
    try:
        for part in parts:
            part.trainable = False
        yield
    finally:
        for layer, flag in zip(layers, flags, strict=True):
            layer.trainable = flag  # also of inner layers, which are restored later
        for variable, trainable in variables:
            variable.trainable = trainable


def _parents_first(parts: Sequence[keras.layers.Layer]) -> list[keras.layers.Layer]:
    """Layers and all their inner layers, each after the layers that contain it."""
    found: dict[int, keras.layers.Layer] = {}

    def visit(layer: keras.layers.Layer) -> None:
        if id(layer) not in found:
            for inner in inner_layers(layer):
                visit(inner)
            found[id(layer)] = layer

    for part in parts:
        visit(part)
    return list(found.values())[::-1]
