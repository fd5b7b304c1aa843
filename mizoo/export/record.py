"""JSON records of runs and model folders, read with errors that name the file."""

import json
from os import PathLike
from pathlib import Path
from typing import Any

from mizoo.physics import library
from mizoo.physics.process import Process


def read_config(directory: str | PathLike[str]) -> dict[str, Any]:
    """Read `config.json` of a folder; empty if there is none.

    Raises:
        ValueError: if it is damaged; it names the path.
    """
    return read_json(Path(directory) / "config.json")


def read_json(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a JSON file with an object; empty if there is no file.

    Raises:
        ValueError: if it is damaged; it names the path.
    """
    path = Path(path)
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:  # of the encoding or of JSON
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged: an object was expected, got {type(content).__name__}")
    return content


def process_of(config: dict[str, Any]) -> Process | None:
    """The process whose events a model takes, by its `config.json`; None without one."""
    options, record = config.get("recipe", {}).get("options", {}), config.get("data", {})
    if (process := options.get("process") or record.get("process")) is not None:
        return library.find(process)
    if "files" in record or {"x", "z"} & options.keys():
        return None
    dataset = record.get("demonstration", config.get("dataset"))
    return library.get(dataset) if dataset in library.names() else None
