"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Optional

import typer

Model = Annotated[str, typer.Argument(help="Name of a shipped model, or path of a SavedModel or run.")]
Input = Annotated[
    Path, typer.Argument(help="File of events, of any format that `mizoo.datasets.read` takes.")
]
Output = Annotated[
    Optional[Path],
    typer.Option("--out", help="File to write: .h5, .parquet, .root, .csv or .npz; of arrays, .npz."),
]
Data = Annotated[
    Optional[list[Path]],
    typer.Option(
        help="File with pairs, or two with x and with z; if none, what the model was trained on, of which "
        "it has not seen the last tenth."
    ),
]
Seed = Annotated[Optional[int], typer.Option(min=0, help="Of the draws; new ones if none.")]
Samples = Annotated[
    Optional[int],
    typer.Option(min=1, help="Draws per event: one per row, with columns event and sample."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with draws that were interrupted.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
Joint = Annotated[
    bool, typer.Option("--joint", help="Compare all observables together, too: correlations, a classifier.")
]
ProcessName = Annotated[
    Optional[str],
    typer.Option("--process", help="YAML file of a process, or ttbar, zee or zh; else what the files say."),
]
ColumnsFile = Annotated[
    Optional[Path],
    typer.Option("--columns", help="YAML file of names and units of columns, for files of other tools."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad events out, and say how many.")]
