"""The log of a run, one row per epoch."""

import time
from pathlib import Path
from typing import Any

import keras
import pandas as pd


def read_metrics(directory: str | Path) -> pd.DataFrame:
    """Read `metrics.csv` of a run: one row per epoch, possibly none yet; missing values are NaN.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged; it names the path.
    """
    path = Path(directory) / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; a run has one after its first epoch")
    try:
        frame = pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {str(error).strip()}") from error
    for name in frame if len(frame) else ():
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise ValueError(f"{path} is damaged: column {name} has non-numeric values")
    return frame


def trim_metrics(directory: str | Path, epochs: int) -> None:
    """Leave only the first epochs in `metrics.csv`, if there is one; later ones are trained again."""
    path = Path(directory) / "metrics.csv"
    if path.is_file():
        lines = path.read_text(errors="replace").splitlines(keepends=True)
        kept = path.with_name(f"{path.name}.part")
        kept.write_text("".join(lines[: 1 + epochs]))
        kept.replace(path)


class MetricsLog(keras.callbacks.CSVLogger):
    """`CSVLogger` with a column for every term of the model, trained yet or not, and the seconds per epoch.

    Args:
        path: path of the file.
        append: whether to continue an existing file.
        monitor: name of the distance on validation data.
    """

    def __init__(self, path: str | Path, append: bool = False, monitor: str = "val_ks") -> None:
        super().__init__(path, append=append)
        self.monitor = monitor

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        names = list(self.model.means)
        self.keys = ["seconds", *names, *(f"val_{name}" for name in names), self.monitor]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, {**(logs or {}), "seconds": round(time.monotonic() - self._start, 2)})
