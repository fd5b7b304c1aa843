"""The log of a run, one row per epoch."""

from pathlib import Path

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
