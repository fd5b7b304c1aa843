"""A report in the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mizoo.datasets.events import Events
from mizoo.evaluation.report import Report

if TYPE_CHECKING:
    import pandas as pd


def show(report: Report, console: Console) -> None:
    """Print a report: by stream, for all observables together, and by observable."""
    console.print(f"\n{report.name} on {len(report.truth)} events: KS distances × 100\n")
    console.print(_table("of each stream", report.summary))
    if report.joint is not None:
        console.print()
        console.print(_table("all observables together", report.joint.T, 4))
    if report.images is not None:
        console.print()
        console.print(_table("images", report.images.T, 4))
    if not isinstance(report.truth, Events):
        return
    console.print()
    if report.benchmark is not None:
        console.print(_table("the paper's cells", report.cells.T))
    rest = 100.0 * report.table["ks"].unstack("stream")  # noqa: PD010
    rest = rest.reindex(report.table.index.get_level_values("observable").unique())
    console.print()
    console.print(_table("all observables", rest))


def _table(title: str, frame: "pd.DataFrame", digits: int = 2) -> Table:
    table = Table(title, box=None)
    for column in frame.columns:
        table.add_column("\n".join(column.rsplit(" ", 1)), justify="right", no_wrap=True)
    for name, row in frame.iterrows():
        table.add_row(str(name), *(_cell(value, digits) for value in row))
    return table


def _cell(value: str | float, digits: int) -> str:
    if isinstance(value, str):
        return value
    return "" if value != value else f"{value:.{digits}f}"
