"""Draws for files of events or of plain arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mizoo.datasets import Columns, read_arrays
from mizoo.datasets.lock import sole_writer
from mizoo.datasets.write import check_target, weights, write_arrays
from mizoo.evaluation.streams import in_chunks
from mizoo.export.dask_workers import check_dask
from mizoo.export.folders import check_writable
from mizoo.export.generate import generate
from mizoo.export.origin import Origin
from mizoo.export.several import check_samples, rows

if TYPE_CHECKING:
    from distributed import Client

SPACES = {"decode": ("z", "x"), "encode": ("x", "z")}
_NAMES = {"decode": "simulated", "encode": "unfolded"}


def draw(
    name: str | Path,
    method: Literal["decode", "encode"],
    source: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    skip_bad: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    samples: int | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    dask: "int | str | Client | None" = None,
) -> tuple[int, Path]:
    """Draw x or z for each event of a file, with a trained model.

    Models of a process read and write files of its events, see `generate`. All other models read NumPy
    files with the conditioning array, z or x, and write the drawn array to an `.npz`.

    Args:
        name: name of a trained model, or path of a SavedModel or a run.
        method: `"decode"` or `"encode"`.
        source: file to read.
        out: file to write; if None, `simulated` or `unfolded`, with the suffix `.h5` or `.npz`.
        seed: seed of the draws; a new one if None.
        skip_bad, resume: see `generate`; for files of events only.
        overwrite: whether to replace an existing `out`.
        samples: number of draws per event, in rows as described in `generate`; if None, one draw without
            the columns `event` and `sample`.
        columns: names of columns of events, see `mizoo.datasets.read`; by default those of the training.
        dask: workers of Dask, see `generate`; for files of events only.

    Returns:
        The number of events drawn, and the file.

    Raises:
        FileNotFoundError: if `source` does not exist.
        FileExistsError: if `out` exists and `overwrite` is False.
        ValueError: for a model without the mapper, files of a kind that it does not take, or `samples`
            other than an integer of 1 or more.
    """
    source = Path(source)
    check_samples(samples)
    if dask is not None:
        check_dask(dask)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    origin = Origin(name)
    if method not in origin.model.endpoints:
        has = ", ".join(origin.model.endpoints)
        raise ValueError(f"{origin.name} has no {method}, only {has}")
    if (process := origin.process) is not None:
        out = Path(out or f"{_NAMES[method]}.h5")
        check_writable(out)
        count = generate(
            origin.model, method, source, out, process=process,
            seed=seed, skip_bad=skip_bad, resume=resume, overwrite=overwrite, samples=samples,
            columns=columns or origin.columns, domain=origin.domain, dask=dask,
        )  # fmt: skip
        return count, out
    out = Path(out or f"{_NAMES[method]}.npz")
    for option, given in (("skip_bad", skip_bad), ("resume", resume), ("columns", columns), ("dask", dask)):
        if given:
            raise ValueError(f"{option} is for files of events, and {origin.name} is a model of arrays")
    return _draw_arrays(origin, method, source, out, seed, overwrite, samples), out


def _draw_arrays(
    origin: Origin,
    method: Literal["decode", "encode"],
    source: Path,
    out: Path,
    seed: int | None,
    overwrite: bool,
    samples: int | None,
) -> int:
    given, drawn = SPACES[method]
    if source.suffix.lower() not in (".npz", ".npy") or out.suffix != ".npz":
        wrong = out if out.suffix != ".npz" else source
        raise ValueError(
            f"{wrong}: {origin.name} is a model of arrays: give .npz files, {given} is read and {drawn} "
            f"written; or from Python, use model.{method}({given})"
        )
    if out.exists() and out.samefile(source):
        raise ValueError(f"{out} is the file that is read: choose another one to write")
    check_target(out, overwrite)
    check_writable(out)
    data = read_arrays(source)
    if (events := data[given]) is None:
        raise ValueError(f"{source}: {method} needs {given}, and the file has none")
    origin.check_shape(given, events, source)
    with sole_writer(out):
        seeds = [None if seed is None else [seed, j] for j in range(samples or 1)]
        made = [in_chunks(getattr(origin.model, method), events, method, seed=one) for one in seeds]
        arrays: dict[str, Any] = {drawn: made[0], **weights(data)}
        if samples is not None:
            arrays = rows(drawn, made, np.arange(len(events)), data.weights)
        write_arrays(out, arrays)
    return len(events)
