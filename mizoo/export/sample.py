"""Draws from the prior of a trained model, in a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mizoo.datasets.lock import sole_writer
from mizoo.datasets.write import check_target, write, write_arrays
from mizoo.evaluation.figures import image_grid
from mizoo.evaluation.streams import for_rows, in_chunks
from mizoo.export.folders import check_writable
from mizoo.export.origin import Origin
from mizoo.networks import is_image

_SHOWN = 64  # images in a grid


def sample(
    name: str | Path,
    count: int,
    out: str | Path | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    condition: float | Sequence[float] | None = None,
) -> list[Path]:
    """Draw new x from the prior of a trained model, and write them to a file.

    Args:
        name: name of a trained model, or path of a SavedModel or a run.
        count: number of draws, 1 or more.
        out: file to write: `.npz` with an array x, or, for events of a process, see
            `mizoo.datasets.write`; by default `samples.npz`. Images are also shown in `NAME.png`.
        seed: seed of the draws; a new one if None.
        overwrite: whether to replace existing files.
        condition: condition of all draws, such as a label, for a model that has one.

    Returns:
        The written files.

    Raises:
        FileExistsError: if a file exists and `overwrite` is False.
        ValueError: for a model without a prior, or another format.
    """
    origin, out = Origin(name), Path(out or "samples.npz")
    if "sample" not in origin.model.endpoints:
        raise ValueError(f"{origin.name} has no sample, only {', '.join(origin.model.endpoints)}")
    if origin.process is None and out.suffix != ".npz":
        raise ValueError(f"{out}: draws of {origin.name}, a model of arrays, are written as .npz")
    grid = out.with_suffix(".png") if is_image(tuple(origin.shapes.get("x", ()))) else None
    check_target(out, overwrite)
    check_writable(out)
    if grid is not None and grid.exists() and not overwrite:
        raise FileExistsError(f"{grid} exists: choose another name, or overwrite it (--overwrite)")
    sampled, rows = for_rows(origin.model.sample), np.arange(count)

    def draw(rows: np.ndarray, **seed: int) -> ArrayLike:
        if condition is None:
            return sampled(rows, **seed)
        given = np.broadcast_to(np.reshape(condition, -1), (len(rows), np.size(condition)))
        return sampled(rows, condition=given.astype("float32"), **seed)

    drawn = in_chunks(draw, rows, "sample", seed=None if seed is None else [seed, 0])
    if origin.process is not None:
        write(out, {"x": drawn}, origin.process, overwrite)
    else:
        with sole_writer(out):
            write_arrays(out, {"x": drawn})
    if grid is None:
        return [out]
    image_grid(drawn[:_SHOWN]).savefig(grid)
    return [out, grid]
