"""Training callbacks in addition to those of Keras."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from mizoo.core.types import Array
from mizoo.datasets.events import Events
from mizoo.evaluation.distances import ks
from mizoo.evaluation.observables import existing, observables
from mizoo.model.stages import Stage
from mizoo.training.measured import Measured


class Warmup(keras.callbacks.Callback):
    """Train only some terms for the first epochs, then all terms with their weights.

    Args:
        terms: names of the terms to begin with, such as the likelihoods on pairs.
        epochs: number of epochs that train only these terms.

    Raises:
        ValueError: at the beginning of training, for terms that the model lacks, or for a model that is
            trained in `Stage`s, which have weights of their own.
    """

    def __init__(self, terms: Iterable[str], epochs: int) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        weights = {o.term: o.weight for o in self.model.objectives if o.term in self.terms}
        if unknown := set(self.terms) - set(weights):
            raise ValueError(f"no terms {', '.join(sorted(unknown))} to begin with")
        if self.epochs and self.model.stages:
            raise ValueError(f"{self.model.name} is trained in stages: it cannot be warmed up as well")
        self._stage = Stage(0.0, weights)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.model.stages:
            self.model.enter(self._stage if epoch < self.epochs else None)


class KSDistance(Measured):
    """Log the sum of the KS distances of z_tilde from z and of x_tilde from x, on validation data.

    Turbo-Sim keeps the epoch with the least sum over components (arXiv 2112.10629); for events the masses
    of the process count, too. Streams without a term do not count; x_hat counts in place of x_tilde if that
    has no term. Give `ModelCheckpoint` the monitor `"val_ks"`.

    Args:
        events: validation `Samples`.
        every: number of epochs between two measurements; NaN is logged in between.
        start: first epoch that is measured, from 0.
    """

    monitor = "val_ks"

    def distance(self, epoch: int) -> float:
        return sum(
            self._distance(space, truth, drawn)
            for space, events in self._drawn().items()
            for truth, drawn in zip(self._columns(space), self._columns(space, events), strict=True)
        )

    def _distance(self, space: str, truth: np.ndarray, drawn: np.ndarray) -> float:
        """KS distance of values that exist; 1 for objects that are only true or only generated."""
        true, weights = existing(np.asarray(truth), self._weights(space, truth=True))
        made, made_weights = existing(np.asarray(drawn), self._weights(space))
        if len(true) and len(made):
            return ks(true, made, weights, made_weights)
        return float(len(true) != len(made))

    def _drawn(self) -> dict[str, Array]:
        """Generated events by space."""
        spoken, model, c = self.streams(), self.model, self.events.c
        x, z = self.events.x, self.events.z
        # Events that are trained on are those to measure with, whatever they are.
        drawn = {"z": model.encode(x, on_invalid="ignore", condition=c)} if "z_tilde" in spoken else {}
        if "x_tilde" not in spoken:
            return {**drawn, "x": model.reconstruct(x, on_invalid="ignore", condition=c)}
        if z is None:
            return {**drawn, "x": model.sample(len(self.events), condition=c)}
        return {**drawn, "x": model.decode(z, on_invalid="ignore", condition=c)}

    def _weights(self, space: str, truth: bool = False) -> np.ndarray | None:
        """Weights of true or generated events; None for draws from a prior and events made of them."""
        if truth:
            free = self.events[space] is None
        else:
            free = space == "x" and self.events.z is None and "x_tilde" in self.streams()
        return None if free else self.events.weights

    def _columns(self, space: str, events: Array | None = None) -> Iterable[np.ndarray]:
        """Observables of `events`, by default of the true events or else of a draw from the prior."""
        events = self.events[space] if events is None else events
        if events is None:
            events = self.model.representations[space].sample(len(self.events))
        if isinstance(self.events, Events) and self.events[space] is not None:
            return observables(events, space, self.events.process).values()
        return np.reshape(events, (len(events), -1)).T
