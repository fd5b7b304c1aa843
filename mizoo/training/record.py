"""What a run or a model folder says of itself, read with errors that name the file."""

import json
from pathlib import Path

import pandas as pd


def read_config(directory) -> dict:
    """The content of `config.json`; empty if there is none.

    Raises:
        ValueError: if it is damaged, with its path.
    """
    return read_json(Path(directory) / "config.json")


def read_json(path) -> dict:
    """A JSON file with an object; empty if there is none.

    Raises:
        ValueError: if it is damaged, with its path.
    """
    path = Path(path)
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:  # of text and of JSON
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged: an object was expected, got {type(content).__name__}")
    return content


def read_metrics(directory) -> pd.DataFrame:
    """The rows of `metrics.csv`, one per epoch and maybe none yet; values that are not finite are NaN.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, with its path.
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
            raise ValueError(f"{path} is damaged: column {name} has values that are no numbers")
    return frame
