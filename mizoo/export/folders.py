"""Checks of output folders and files before any work is done."""

import os
from pathlib import Path


def check_folder(directory: str | Path, marks: tuple[str, ...], what: str) -> None:
    """Check that a folder can be written: it is new, empty, or already of the expected kind.

    Args:
        directory: path of the folder.
        marks: names of files that every folder of this kind has.
        what: kind of the folder for messages, such as "a run".

    Raises:
        FileExistsError: if it is a file, or holds something else.
        PermissionError: if it is not writable.
        NotADirectoryError: if one of its parents is a file.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"{directory} is a file, not a folder for {what}")
    check_writable(directory)
    if not directory.is_dir():
        return
    # Another worker may be about to write the first file.
    there = {path.name for path in directory.iterdir() if path.suffix != ".part"}
    if there and not there.issuperset(marks):
        raise FileExistsError(f"{directory} holds something else than {what}: choose another folder")


def check_writable(path: str | Path) -> None:
    """Check that a file or folder can be written, or created with its parents.

    Raises:
        PermissionError, NotADirectoryError: if not; it names the path.
    """
    path = Path(path)
    there = next(p for p in (path, *path.absolute().parents) if p.exists())
    if there != path and not there.is_dir():
        raise NotADirectoryError(f"{path}: {there} is a file, not a folder")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{path}: no permission to write in {there}")
