"""Changes of the learning rate by callbacks, for both optimisers."""

from typing import Any

import keras

from mizoo.model.parts import Parts


class Rates(keras.callbacks.Callback):
    """Changes the critics' learning rate by the factor by which other callbacks change the mappers'.

    Keras's callbacks, such as `ReduceLROnPlateau` and `LearningRateScheduler`, know `model.optimizer` only.
    A callback that changes the critics' rate itself takes precedence.

    Args:
        mappers: learning rate of the mappers.
        critics: learning rate of the critics; None if it is a schedule, which cannot be changed.
    """

    def __init__(self, mappers: keras.Variable, critics: keras.Variable | None) -> None:
        super().__init__()
        self._mappers, self._critics = mappers, critics
        self._former = self._rates()
        # Critics' rate per unit of the mappers', to continue after the latter was 0.
        self._ratio: float | None = None

    @classmethod
    def of(cls, model: Parts) -> "Rates | None":
        """The callback of a compiled model; None without critics, or if the mappers' rate is a schedule."""
        mappers, critics = (o.learning_rate for o in (model.optimizer, model.critic_optimizer))
        if not model.critic_variables or not isinstance(mappers, keras.Variable):
            return None
        return cls(mappers, critics if isinstance(critics, keras.Variable) else None)

    def _rates(self) -> tuple[float, float | None]:
        return float(self._mappers.numpy()), None if self._critics is None else float(self._critics.numpy())

    def _follow(self) -> None:
        (before, critics), (now, found) = self._former, self._rates()
        if before:
            self._ratio = None if critics is None else critics / before
        if now != before and found == critics:
            if self._critics is None:
                raise ValueError(
                    "a callback changed the learning rate of the mappers, and that of the critics is a "
                    "schedule: give both optimisers a number, or both a schedule"
                )
            if self._ratio is None:
                raise ValueError(
                    "a callback changed the learning rate of the mappers from 0, which gives no factor for "
                    "that of the critics: let it set critic_optimizer.learning_rate, too"
                )
            self._critics.assign(self._ratio * now)
        self._former = self._rates()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._follow()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._follow()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._follow()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._follow()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._follow()
