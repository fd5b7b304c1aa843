"""Checksums of a model folder."""

import hashlib
import json
from pathlib import Path

NAME = "sha256.json"


def write_manifest(directory) -> dict[str, str]:
    """Write `sha256.json`: the SHA-256 of every other file of a folder, by its path in it."""
    directory = Path(directory)
    sums = {
        path.relative_to(directory).as_posix(): checksum(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != NAME
    }
    (directory / NAME).write_text(json.dumps(sums, indent=1) + "\n")
    return sums


def verify(directory) -> None:
    """Check the files of a folder against its `sha256.json`, if it has one.

    Raises:
        ValueError: naming a file that is missing, or is not what it was when it was written.
    """
    manifest = Path(directory) / NAME
    if not manifest.is_file():
        return
    for name, expected in json.loads(manifest.read_text()).items():
        path = manifest.parent / name
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        if (found := checksum(path)) != expected:
            raise ValueError(f"{path} is damaged or was changed: SHA-256 {found}, expected {expected}")


def checksum(path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
