"""SHA-256 checksums of files, in files beside them in the format of `sha256sum`.

HDF5 and `.npz` files that mizoo writes have checksums of all their content. Those of a Parquet file cover
its pages, but not the footer with the names of the columns; CSV and ROOT files have none. Therefore files
of these three formats have a sidecar `NAME.sha256`, which `sha256sum --check` reads as well.
"""

import hashlib
import re
from pathlib import Path

import numpy as np

_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *](.+))?")


def checksum(path: str | Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder, in hexadecimal digits."""
    if (folder := Path(path)).is_dir():
        files = sorted(inner for inner in folder.rglob("*") if inner.is_file())
        lines = [f"{checksum(inner)}  {inner.relative_to(folder).as_posix()}\n" for inner in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_checksum(array: np.ndarray) -> str:
    """SHA-256 of the type, the shape (…) and the values of an array, in hexadecimal digits."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()


def sidecar(path: str | Path) -> Path:
    """The file with the checksum of a file, `NAME.sha256` beside it."""
    return Path(path).with_name(f"{Path(path).name}.sha256")


def line(path: str | Path, name: str) -> str:
    """The content of the sidecar of a file that is going to have this name."""
    return f"{checksum(path)}  {name}\n"


def verify(path: str | Path) -> None:
    """Check a file against the checksum beside it, if there is one.

    The file is hashed as a stream, in bounded memory. A single checksum in the sidecar counts under any
    name, so that both files can be renamed; of several checksums, the one with the file's name counts.

    Raises:
        ValueError: if the file does not match the checksum, or the sidecar has none for it.
    """
    path, beside = Path(path), sidecar(path)
    if not (path.is_file() and beside.is_file()):
        return
    lines = [text.strip() for text in beside.read_text(errors="replace").splitlines() if text.strip()]
    found = [match for match in map(_LINE.fullmatch, lines) if match]
    if len(lines) > 1:
        found = [match for match in found if match[2] and Path(match[2]).name == path.name]
    if len(found) != 1:
        raise ValueError(
            f"{path}: {beside.name} beside it has no SHA-256 of it in the format of sha256sum; write it "
            "anew, or remove it"
        )
    if checksum(path) != found[0][1].lower():
        raise ValueError(
            f"{path} is damaged or was changed: its SHA-256 is not the one in {beside.name}; restore the "
            f"file, or remove {beside.name} if the change was intended"
        )
