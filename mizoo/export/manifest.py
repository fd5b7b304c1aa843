"""Checksums of a model folder."""

import json
import warnings
from pathlib import Path, PurePosixPath

from mizoo.datasets.integrity import checksum
from mizoo.export.record import read_json

NAME = "sha256.json"
SIGNATURE = "sha256.json.sig"
# Files that are loaded, so that a folder with checksums must list them.
_LOADED = ("saved_model.pb", "model.keras", "model.onnx", "config.json", "metrics.json")


class UnverifiedModel(UserWarning):
    """Warns of a model without checksums, whose files may be damaged."""


def write_manifest(directory: str | Path) -> dict[str, str]:
    """Write `sha256.json`: the SHA-256 of every other file of a folder, by its relative path.

    A signature of the former `sha256.json` is deleted.
    """
    directory = Path(directory)
    (directory / SIGNATURE).unlink(missing_ok=True)
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


def verify(directory: str | Path) -> bool:
    """Check the files of a folder against its `sha256.json`.

    Returns:
        Whether it has one; otherwise there is an `UnverifiedModel` warning.

    Raises:
        ValueError: if a file is missing or was changed, is loaded with the model but not listed, or is
            listed with a path outside of the folder; it names the file.
    """
    directory = Path(directory)
    manifest = directory / NAME
    if not manifest.is_file():
        warnings.warn(
            f"{directory} is unverified: it has no {NAME} to compare its files with", UnverifiedModel, 3
        )
        return False
    listed = read_json(manifest)
    for name in listed:
        check_inside(name, manifest)
    for path in (*program(directory), *(directory / name for name in _LOADED)):
        if path.is_file() and path.relative_to(directory).as_posix() not in listed:
            raise ValueError(f"{path} belongs to the model, but {manifest} does not list it")
    for name, expected in listed.items():
        if not (path := directory / name).is_file():
            raise ValueError(f"{path} is missing")
        if (found := checksum(path)) != expected:
            raise ValueError(f"{path} is damaged or was changed: SHA-256 {found}, expected {expected}")
    return True


def is_intact(directory: str | Path) -> bool:
    """Whether a folder has a `sha256.json`, and `verify` finds no fault."""
    try:
        return (Path(directory) / NAME).is_file() and verify(directory)
    except ValueError:
        return False


def check_inside(name: str, source: str | Path) -> None:
    """Check that a relative path stays in its folder, on any system.

    Raises:
        ValueError: if not; it names the path and where it comes from.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or {"..", "~"} & set(parts) or set(name) & set("\\:\0\n"):
        raise ValueError(f"{source} lists {name!r}, which leads out of the folder")
