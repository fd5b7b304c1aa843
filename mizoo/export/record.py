"""What a run or a model folder says of itself, read with errors that name the file."""

import json
from pathlib import Path


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
