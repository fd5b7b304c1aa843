"""The commands that draw events from a trained model."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from mizoo.cli.app import app, console
from mizoo.cli.options import (
    ColumnsFile,
    Dask,
    Input,
    Model,
    Output,
    Overwrite,
    Resume,
    Samples,
    Seed,
    SkipBad,
)


@app.command()
def simulate(
    model: Model, events: Input, out: Output = None,
    columns: ColumnsFile = None, samples: Samples = None, seed: Seed = None, skip_bad: SkipBad = False,
    resume: Resume = False, overwrite: Overwrite = False, dask: Dask = None,
) -> None:  # fmt: skip
    """Draw detector objects x given partons z, for any number of events; or, for arrays, any x given z."""
    _draw(model, "decode", events, out, seed, skip_bad, resume, overwrite, samples, columns, dask)


@app.command()
def unfold(
    model: Model, events: Input, out: Output = None,
    columns: ColumnsFile = None, samples: Samples = None, seed: Seed = None, skip_bad: SkipBad = False,
    resume: Resume = False, overwrite: Overwrite = False, dask: Dask = None,
) -> None:  # fmt: skip
    """Draw partons z given detector objects x, for any number of events; or, for arrays, any z given x."""
    _draw(model, "encode", events, out, seed, skip_bad, resume, overwrite, samples, columns, dask)


@app.command()
def sample(
    model: Model,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of draws.")] = 64,
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out", help="File to write: .npz, or any format of events. Images get a .png beside."
        ),
    ] = None,
    condition: Annotated[
        Optional[list[float]],
        typer.Option(help="Condition of all draws, such as a label; once per number of the condition."),
    ] = None,
    seed: Seed = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw new x from the prior of a model, and for images write a grid of the first 64 of them as well."""
    from mizoo.export.sample import sample as draw_samples

    paths = draw_samples(model, count, out, seed, overwrite, condition)
    console.print(f"{count} draws are in {' and '.join(map(str, paths))}", soft_wrap=True)


def _draw(
    model: str,
    method: Literal["decode", "encode"],
    path: Path,
    out: Path | None,
    seed: int | None,
    skip_bad: bool,
    resume: bool,
    overwrite: bool,
    samples: int | None,
    columns: Path | None,
    dask: str | None,
) -> None:
    from mizoo.export.draw import draw

    workers = int(dask) if dask is not None and dask.isdecimal() else dask
    count, written = draw(
        model, method, path, out, seed, skip_bad, resume, overwrite, samples, columns, workers
    )
    what = f"{count} events are" if samples is None else f"{samples} draws of each of {count} events are"
    console.print(f"{what} in {written}", soft_wrap=True)
