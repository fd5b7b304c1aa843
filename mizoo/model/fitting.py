"""`fit`, `evaluate` and `predict`, which use or refuse every argument."""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.compat import all_layers
from mizoo.core.serialisation import unique
from mizoo.core.types import Array
from mizoo.datasets.samples import Samples
from mizoo.distribute.resume import Resumable
from mizoo.distribute.workers import AcrossReplicas
from mizoo.model.compilation import Announced
from mizoo.model.few_values import warn_of_few_values
from mizoo.model.inputs import by_shape, check_enough, least_events, one_line, read
from mizoo.model.learning_rates import Rates
from mizoo.model.parts import Parts
from mizoo.model.staged import Staged, Stages
from mizoo.model.terminate_on_nan import StopWhereNotFinite, iteration
from mizoo.representations.base import Representation

# Default batch sizes: of arrays, as in Keras, and of `Samples`, in training and elsewhere.
_STATISTICS = 20_000  # maximum number of pairs for the statistics of mappers
_ARRAYS, _TRAINING, _OTHERS = 32, 100, 1000


class Fitting(Announced, Staged, Resumable, AcrossReplicas):
    """Mixin of `Turbo`: training, evaluation and prediction, on `Samples` or the data that Keras takes."""

    _executions = 1  # steps per execution, as compiled

    def fit(
        self,
        x: Any = None,
        y: Array | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | None = None,
        class_weight: object = None,
        sample_weight: Array | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        initial_step: int = 0,
    ) -> keras.callbacks.History:
        """Train, as `keras.Model.fit`.

        `x` and `validation_data` may be `mizoo.datasets.Samples`. Arrays, or a dictionary of arrays `"x"`
        and `"z"`, become `Samples`. Batches, as of a `tf.data.Dataset`, are used as they come.

        Each epoch has a different order, which follows from the number of steps that the optimiser has
        done. It continues where a former `fit` ended, also one before the model was saved. Representations
        without statistics first take them from the training data, without weights. After a training, also
        one that ends by an exception, the model has its own weights of terms, and its parts are as
        trainable as before.

        Args:
            x: `Samples`, array of x, dictionary of arrays, or batches.
            y: array of z for an array of x.
            batch_size: events per batch, over all replicas; by default 100 for `Samples` and 32 for arrays,
                or all events if they are fewer. Batches of `Samples` are full. Arrays may end an epoch with
                a smaller batch, if that is enough for every term.
            epochs: as in Keras.
            verbose: as in Keras; unless it is 0, a message also announces a step that takes long to
                compile.
            callbacks: a callback, a list of them, or a `CallbackList`. One that changes the learning rate
                of `model.optimizer` changes that of the critics by the same factor, unless it changes that
                itself.
            validation_split: fraction of `Samples` or arrays, at their end, for evaluation instead of
                training.
            validation_data: `Samples`, an array of x, a tuple (x, y) or (x, y, weights), a dictionary, or
                batches. A last batch too small for a term is joined to the one before it.
            shuffle: whether the order of `Samples` and arrays is random, as by default. It is refused for
                batches, except for a `keras.utils.PyDataset`.
            class_weight: refused, as there are no classes.
            sample_weight: weights of the events, (n,), 0 or more. An event occurs in batches as often as
                its weight, in units of the mean weight.
            initial_epoch: number of the first epoch.
            steps_per_epoch: batches per epoch; by default all of them.
            validation_steps: batches to evaluate; by default all of them.
            validation_batch_size: events per batch of evaluation; by default 1000 for `Samples` and
                `batch_size` for arrays.
            validation_freq: epochs between two evaluations, or a list of numbers of epochs from 1.
            initial_step: number of steps of the first epoch that are already done, for `Samples` or arrays.

        Raises:
            NotFiniteError: when a term or a gradient is not finite, with its name.
            ValueError: for arguments that contradict each other, and data that do not fit, with their name;
                if representations need statistics and the data are batches; or if the replicas of a
                strategy cannot share a batch evenly.
        """
        if not self.compiled:
            raise ValueError(f"{self.name} is not compiled: call compile() before fit()")
        if class_weight is not None:
            raise ValueError("class_weight is not used: there are no classes; sample_weight weighs events")
        samples = read(self, x, y, sample_weight)
        if validation_split:
            if validation_data is not None:
                raise ValueError("validation_split beside validation_data: give one of the two")
            samples, validation_data = _split(samples, validation_split)
        if validation_data is None:
            _refuse(
                "without validation data",
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=None if validation_freq == 1 else validation_freq,
            )
        default = _TRAINING if isinstance(x, Samples) else _ARRAYS
        if validation_data is not None:
            of_arrays = validation_batch_size or batch_size or default
            validation_data = self._validation(validation_data, validation_batch_size, of_arrays)
        shuffled = shuffle is None or bool(shuffle)
        if samples is None:
            shuffled = shuffled and isinstance(x, keras.utils.PyDataset)
            _refuse("beside batches", batch_size=batch_size, shuffle=None if shuffled else shuffle or None)
            _refuse("beside batches, which begin where they begin", initial_step=initial_step or None)
            self.adapt({})
            self._fit_executions(steps_per_epoch, validation_steps)
            data = self._checked_batches(x)
        else:
            size = _size(self, samples, batch_size, default)
            if not isinstance(x, Samples):
                size = min(size, len(samples))  # as in Keras
            self.check_batch(size)
            self.adapt(samples)
            least = None if isinstance(x, Samples) else least_events(self)
            whole = samples.steps(size, least)
            steps_per_epoch = steps_per_epoch or whole
            self._fit_executions(steps_per_epoch, validation_steps)
            self._check_initial_step(initial_step, steps_per_epoch)
            first, skip = divmod(self._done(initial_epoch, initial_step, steps_per_epoch, whole), whole)
            data = samples.epochs(size, first=first, skip=skip, shuffle=shuffled, least=least)
            self.pass_over(initial_step)
        try:
            with one_line(), self.announcing(verbose):
                return super().fit(
                    data,
                    epochs=epochs,
                    verbose=verbose,
                    callbacks=self._callbacks(callbacks),
                    validation_data=validation_data,
                    shuffle=shuffled and samples is None,
                    initial_epoch=initial_epoch,
                    steps_per_epoch=steps_per_epoch,
                    validation_steps=validation_steps,
                    validation_freq=validation_freq,
                )
        finally:
            self.enter(None)
            self.pass_over(0)

    def evaluate(
        self,
        x: Any = None,
        y: Array | None = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Array | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> list[float] | dict[str, float]:
        """Means of all terms over events, as `keras.Model.evaluate`; data are as for `fit`.

        Args:
            x, y, sample_weight: as for `fit`.
            batch_size: events per batch; by default 1000 for `Samples` and 32 for arrays. A last batch too
                small for a term is joined to the one before it.
            verbose, steps, callbacks, return_dict: as in Keras.
            kwargs: none; Keras uses some internally.

        Raises:
            ValueError: for arguments that do not apply, and data that do not fit or are too few.
        """
        if not kwargs:
            samples = read(self, x, y, sample_weight)
            x = self._batches(x, samples, batch_size)
            self._end_with(steps)
        # Within `fit`, which passes arguments of its own, its `verbose` holds.
        with one_line(), nullcontext() if kwargs else self.announcing(verbose):
            means: list[float] | dict[str, float] = super().evaluate(
                x, verbose=verbose, steps=steps, callbacks=callbacks, return_dict=return_dict, **kwargs
            )
        return means

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> dict[str, np.ndarray]:
        """The streams that can be made from data, by name, as `keras.Model.predict`.

        Args:
            x: as for `fit`; weights of `Samples` are ignored.
            batch_size: events per batch; by default 1000 for `Samples` and 32 for arrays.
            verbose, steps, callbacks: as in Keras.

        Returns:
            Arrays (n, …) in physical units, in the order of the events.

        Raises:
            ValueError: for arguments that do not apply, and data that do not fit.
        """
        samples = read(self, x)
        if samples is not None:
            lengths = {space: len(array) for space, array in samples.arrays().items()}
            if len(set(lengths.values())) > 1:
                raise ValueError(f"predict needs as many x as z, got {lengths['x']} and {lengths['z']}")
            samples = replace(samples, weights=None)
        data = self._batches(x, samples, batch_size, least=1)
        self._end_with(steps)
        made: dict[str, np.ndarray] = super().predict(
            data, verbose=verbose, steps=steps, callbacks=callbacks
        )
        return made

    def adapt(self, data: Samples | Mapping[str, Array]) -> None:
        """Set missing statistics of representations and mappers from arrays x and z.

        Those of pairs are taken after the model's augmentation, as the order of objects may depend on it.

        Args:
            data: `Samples`, or a dictionary of arrays (n, …) by space; mappers between the two need pairs.

        Raises:
            ValueError: if the data lack a space, or pairs, that the statistics need.

        Warns:
            FewValuesWarning: for columns of vectors with few distinct values.
        """
        arrays = data.arrays() if isinstance(data, Samples) else data
        paired = {"x", "z"} <= set(arrays) and len(arrays["x"]) == len(arrays["z"])
        parts = [one for one in (*self.representations.values(), *self.mappers.values()) if one is not None]
        if paired and self.augmentation is not None and not all(one.is_adapted for one in parts):
            arrays = {space: np.asarray(events) for space, events in self._augmented(arrays).items()}
        new = {}
        for space, representation in self.representations.items():
            if not representation.is_adapted:
                if (array := arrays.get(space)) is None:
                    raise ValueError(
                        f"the statistics of {space} are not known: call adapt() with arrays first"
                    )
                representation.adapt(array)
                new[space] = representation
        warn_of_few_values(new, arrays)
        for role, source, target in (("encoder", "x", "z"), ("decoder", "z", "x")):
            mapper = self.mappers[role]
            if mapper is None or mapper.is_adapted:
                continue
            if not paired:
                raise ValueError(f"the {role} takes statistics from pairs: call adapt() with x and z first")
            pairs = {
                space: representation(arrays[space][:_STATISTICS])
                for space, representation in self.representations.items()
            }
            for one in unique([mapper, self.averages[role]]):
                if one is not None:
                    one.adapt(pairs[source], pairs[target])
        for layer in all_layers(self):
            if isinstance(layer, Representation) and not layer.is_adapted:
                raise RuntimeError(f"{layer.name} has no statistics: the layer that uses it must adapt it")

    # ------------------------------------------------------------------ of training

    def _done(self, initial_epoch: int, initial_step: int, steps: int, whole: int) -> int:
        """Position in the order of all epochs where a training begins, with `whole` steps per epoch.

        It follows from the steps that the optimiser has done, or from the number of the first epoch if that
        is later. If epochs of the training are as long as those of the order, they begin together.
        """
        done = int(iteration(self.optimizer).numpy()) - initial_step
        done = max(done, initial_epoch * steps)
        if steps == whole:
            done = math.ceil(done / whole) * whole
        return done + initial_step

    def _check_initial_step(self, step: int, steps: int) -> None:
        if not 0 <= step < steps or step % self.steps_per_execution:
            raise ValueError(
                f"initial_step must be 0 to {steps - 1} and a multiple of the {self.steps_per_execution} "
                f"steps of an execution, got {step}"
            )

    def _callbacks(self, callbacks: Any) -> list[keras.callbacks.Callback]:
        """The user's callbacks, with the model's own around each."""
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        callbacks = keras.tree.flatten(callbacks or [])
        if callbacks and (rates := Rates.of(self)):
            # After each, so that the next one, which may save the model, finds both rates.
            callbacks = [c for callback in callbacks for c in (callback, rates)]
        return [*([Stages(self.stages)] if self.stages else []), *callbacks, StopWhereNotFinite()]

    def _fit_executions(self, *counts: int | None) -> None:
        """Let executions divide these numbers of steps, as Keras runs them past the end of an epoch."""
        given = [count for count in counts if count]
        fitting = max(n for n in range(1, self._executions + 1) if all(count % n == 0 for count in given))
        if fitting != self.steps_per_execution:
            self.steps_per_execution = fitting
            self.train_function = self.test_function = self.predict_function = None

    def _end_with(self, steps: int | None) -> None:
        """The same, for a pass over only some batches of data."""
        if steps and steps % self.steps_per_execution:
            self._fit_executions(steps)

    # ------------------------------------------------------------------ of data

    def _validation(self, data: Any, batch_size: int | None, of_arrays: int) -> tf.data.Dataset | Any:
        """Batches of validation data, which may be a tuple."""
        parts = tuple(data) if isinstance(data, list | tuple) else (data,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                f"validation_data must be (x,), (x, y) or (x, y, weights), got {len(parts)} parts"
            )
        samples = read(self, *parts)
        if batch_size is None and samples is not None and not isinstance(parts[0], Samples):
            batch_size = of_arrays
        return self._batches(parts[0], samples, batch_size, name="validation_batch_size")

    def _batches(
        self,
        x: Any,
        samples: Samples | None,
        batch_size: int | None,
        least: int | None = None,
        name: str = "batch_size",
    ) -> tf.data.Dataset | Any:
        """Batches of the data read from `x`, in order, with at least `least` events, by default enough."""
        if samples is None:
            _refuse("beside batches", **{name: batch_size})
            return self._checked_batches(x)
        default = _OTHERS if isinstance(x, Samples) else _ARRAYS
        if least is None:
            batch_size, least = _size(self, samples, batch_size, default, name), least_events(self)
            check_enough(self, len(samples), "and there are")
        return samples.batches(batch_size or default, least)

    def _checked_batches(self, data: Any) -> Any:
        """The user's batches, checked before the first step where TensorFlow supports it."""
        if not isinstance(data, tf.data.Dataset):
            return data

        @tf.autograph.experimental.do_not_convert  # errors would have the lines of its own code
        def checked(*batch: Any) -> dict[str, Any]:
            return by_shape(self, batch if len(batch) > 1 else batch[0])

        return data.map(checked)


def _size(
    model: Parts, samples: Samples, batch_size: int | None, default: int, name: str = "batch_size"
) -> int:
    """Valid number of events per batch, enough for every term; by default `default` or all events."""
    if batch_size is None:
        size, what = min(default, len(samples)), "and there are"
    else:
        size, what = batch_size, f"and {name} is"
    if size < 1:
        raise ValueError(f"{name} must be 1 or more, got {size}")
    check_enough(model, size, what)
    return size


def _refuse(where: str, **arguments: object) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} {where} is not used")


def _split(samples: Samples | None, fraction: float) -> tuple[Samples, Samples]:
    """All but the last events for training, and a fraction of them for evaluation, as in Keras."""
    if samples is None:
        raise ValueError("validation_split beside batches is not used")
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"validation_split must be a fraction between 0 and 1, got {fraction}")
    first = math.floor(len(samples) * (1.0 - fraction))
    if not 0 < first < len(samples):
        raise ValueError(f"a validation_split of {fraction} of {len(samples)} events leaves none in a part")
    return samples[:first], samples[first:]
