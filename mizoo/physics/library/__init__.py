"""Processes of the package, one YAML file each: `ttbar`, `ttbar_events`, `zee`, `zh`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from mizoo.physics.process import Process


def names() -> list[str]:
    """Names of the processes of the package."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


@cache
def get(name: str) -> Process:
    """A process of the package by its name.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in names():
        raise ValueError(f"no process {name!r}; there are {', '.join(names())}")
    with resources.as_file(resources.files(__name__) / f"{name}.yaml") as path:
        return Process.load(path)


def find(process: Process | str | Mapping[str, Any]) -> Process:
    """A process from itself, the name of one of the package, the path of a YAML file, or plain data.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for an unknown name, or an invalid description.
    """
    if isinstance(process, Process):
        return process
    if isinstance(process, Mapping):
        return Process(**process)
    return Process.load(process) if process.endswith((".yaml", ".yml")) else get(process)


def __getattr__(name: str) -> Process:
    if name.startswith("_") or name not in names():
        raise AttributeError(f"module {__name__!r} has no process {name!r}; there are {', '.join(names())}")
    return get(name)


def __dir__() -> list[str]:
    return ["find", "get", "names", *names()]
