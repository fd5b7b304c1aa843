"""Backups of the whole state of a training, and of its best weights."""

import re
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.datasets.disk import reserve, settle
from mizoo.model.turbo import Turbo

_KEPT = 2
_NAME = re.compile(r"ckpt-(\d+)\.")


class DamagedBackup(UserWarning):
    """Warns of a backup that cannot be read, in place of which an earlier one is used."""


class Backup(keras.callbacks.Callback):
    """Save the whole state of training after every epoch, and optionally within, for an exact resume.

    One `tf.train.Checkpoint` holds weights, averages, the states of both optimisers, the means logged so
    far and the states of all random generators. The last two are kept: an interrupted save leaves both
    intact, and if the last one is damaged, the one before is used.

    Args:
        directory: folder of the checkpoints, to resume from and to write to.
        every: number of steps between two saves within an epoch; None for no such saves.
        folder: folder to write to in place of `directory`, for workers that take part in saving but whose
            copy is not needed.
    """

    def __init__(
        self, directory: str | Path, every: int | None = None, folder: str | Path | None = None
    ) -> None:
        super().__init__()
        self.directory = Path(directory)
        self.every = every
        self.folder = Path(folder or directory)
        self._epoch, self._step = (tf.Variable(0, dtype=tf.int64) for _ in range(2))
        self._means: list[np.ndarray] | None = None

    def resume(self, model: Turbo) -> tuple[int, int]:
        """Load the last backup that is intact, if there are any, into a compiled model.

        A `DamagedBackup` warning names each one that is not.

        Returns:
            Number of epochs done, and of steps done in the next epoch.

        Raises:
            FileNotFoundError: if the folder has backups, and not the file `checkpoint` that lists them.
            ValueError: if none is intact; it names the folder.
        """
        paths = self.saved()
        for path in reversed(paths):
            try:
                self._checkpoint(model).restore(path).assert_consumed()
                break
            # What it raises for damaged files, and for those of another model.
            except (tf.errors.OpError, ValueError, AssertionError, TypeError, LookupError) as error:
                line = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
                warnings.warn(f"{path} is damaged: {line}", DamagedBackup, stacklevel=2)
        else:
            if paths:
                raise ValueError(f"{self.directory} has no backup that is intact, of {len(paths)}")
            return 0, 0
        if step := int(self._step):
            self._means = [variable.numpy() for variable in self._logged(model)]
        return int(self._epoch), step

    def saved(self) -> list[str]:
        """Paths of the backups, the last one at the end.

        Raises:
            FileNotFoundError: if there are backups, and not the file `checkpoint` that lists them.
        """
        state = tf.train.get_checkpoint_state(self.directory)
        if state is not None and state.all_model_checkpoint_paths:
            return list(state.all_model_checkpoint_paths)
        if _last_number(self.directory) > 1:  # the first one may have been interrupted before it was listed
            raise FileNotFoundError(
                f"{self.directory / 'checkpoint'} is missing or damaged, and there are backups beside it"
            )
        return []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._saver = tf.train.CheckpointManager(
            self._checkpoint(self.model), self.folder, max_to_keep=_KEPT
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch.assign(epoch)
        if self._means is not None:  # Keras has just reset the means
            for variable, value in zip(self._logged(self.model), self._means, strict=True):
                variable.assign(value)
            self._means = None
        else:
            self._step.assign(0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done = batch + 1
        if (
            self.every
            and done < self.params["steps"]
            and done // self.every > int(self._step) // self.every
        ):
            self._save(int(self._epoch), done)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._save(epoch + 1, 0)

    def _save(self, epoch: int, step: int) -> None:
        self._epoch.assign(epoch)
        self._step.assign(step)
        # Never the number of one that is kept: it would be overwritten in place.
        self._saver.save(checkpoint_number=_last_number(self.folder) + 1)

    @staticmethod
    def _logged(model: Turbo) -> list[keras.Variable]:
        return [variable for mean in model.means.values() for variable in mean.variables]

    def _checkpoint(self, model: Turbo) -> tf.train.Checkpoint:
        variables = [
            *model.variables, *model.optimizer.variables, *model.critic_optimizer.variables,
            *self._logged(model),
        ]  # fmt: skip
        unique = list({id(v): v.value for v in variables}.values())
        return tf.train.Checkpoint(variables=unique, epoch=self._epoch, step=self._step)


def _last_number(folder: Path) -> int:
    """Largest number of the backups in a folder, intact or not; 0 if there is none."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max((int(found[1]) for name in names if (found := _NAME.match(name))), default=0)


class KeepBest(keras.callbacks.Callback):
    """Keep the weights of the epoch with the least distance in a file, which is replaced as a whole.

    Args:
        path: path of the file, `….weights.h5`.
        least: least value of former epochs; infinity if there is none.
        monitor: name of the logged distance, such as `"val_frechet"`.
    """

    def __init__(self, path: str | Path, least: float = float("inf"), monitor: str = "val_ks") -> None:
        super().__init__()
        self.path = Path(path)
        self.least = least
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None  # Keras passes them
        if not logs[self.monitor] < self.least:  # NaN where it is not measured
            return
        unfinished = self.path.with_name(f"unfinished.{self.path.name}")
        try:
            # HDF5 crashes on a full disk, and has groups and attributes beside the values.
            size = sum(np.prod(w.shape, dtype=int) * 8 + 8_000 for w in self.model.variables)
            reserve(unfinished, int(size) + 2**20)
            self.model.save_weights(unfinished)
            settle(unfinished)
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)
        self.least = logs[self.monitor]
