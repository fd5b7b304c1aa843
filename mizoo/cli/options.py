"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Optional

import typer

Model = Annotated[
    str, typer.Argument(help="Name of a shipped model, or path of a SavedModel, an ONNX file or a run.")
]
Registry = Annotated[
    Optional[str], typer.Option(help="URL of a registry; by default MIZOO_REGISTRY, if set.")
]
PublicKey = Annotated[
    Optional[Path], typer.Option("--public-key", help="PEM file of the Ed25519 key of the author.")
]
Sha256 = Annotated[Optional[str], typer.Option("--sha256", help="SHA-256 of the model's sha256.json.")]
Input = Annotated[
    Path, typer.Argument(help="File of events, of any format that `mizoo.datasets.read` takes.")
]
Output = Annotated[
    Optional[Path],
    typer.Option("--out", help="File to write: .h5, .parquet, .root, .csv or .npz; for arrays, .npz."),
]
Data = Annotated[
    Optional[list[Path]],
    typer.Option(
        help="File with pairs, or two with x and with z; by default a split of the data that the model was "
        "trained on."
    ),
]
Seed = Annotated[Optional[int], typer.Option(min=0, help="Seed of the draws; by default a new one.")]
Samples = Annotated[
    Optional[int],
    typer.Option(min=1, help="Draws per event: one per row, with columns event and sample."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume interrupted draws.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]
Dask = Annotated[
    Optional[str],
    typer.Option(
        help="Draw by Dask: number of processes on this machine, or address of a scheduler, tcp://host:8786."
    ),
]
Joint = Annotated[
    bool, typer.Option("--joint", help="Also compare all observables together: correlations, a classifier.")
]
ProcessName = Annotated[
    Optional[str],
    typer.Option("--process", help="YAML file of a process, or ttbar, zee or zh; else that of the files."),
]
ColumnsFile = Annotated[
    Optional[Path],
    typer.Option("--columns", help="YAML file of names and units of columns, for files of other tools."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out bad events, and report their number.")]
