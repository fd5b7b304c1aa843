"""Checksums of a model folder."""

import json
from pathlib import Path

from mizoo.datasets.integrity import checksum
from mizoo.export.record import read_json

NAME = "sha256.json"


def write_manifest(directory: str | Path) -> dict[str, str]:
    """Write `sha256.json`: the SHA-256 of every other file of a folder, by its relative path."""
    directory = Path(directory)
    sums = {
        path.relative_to(directory).as_posix(): checksum(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path != directory / NAME
    }
    (directory / NAME).write_text(json.dumps(sums, indent=1) + "\n")
    return sums


def program(directory: str | Path) -> list[Path]:
    """The files of a SavedModel that TensorFlow runs and restores, in a fixed order."""
    directory = Path(directory)
    inner = [path for name in ("variables", "assets") for path in (directory / name).rglob("*")]
    return [directory / "saved_model.pb", *sorted(path for path in inner if path.is_file())]


def verify(directory: str | Path) -> None:
    """Check the files of a folder against its `sha256.json`, if it has one.

    Raises:
        ValueError: if a file is missing, was changed, or is loaded with the model but not listed; it names
            the file.
    """
    manifest = Path(directory) / NAME
    if not manifest.is_file():
        return
    listed = read_json(manifest)
    for path in program(directory):
        if path.relative_to(directory).as_posix() not in listed:
            raise ValueError(f"{path} belongs to the model, but {manifest} does not list it")
    for name, expected in listed.items():
        path = manifest.parent / name
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        if (found := checksum(path)) != expected:
            raise ValueError(f"{path} is damaged or was changed: SHA-256 {found}, expected {expected}")
