"""The application that all commands belong to, and its console."""

import typer
from rich.console import Console

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A model zoo in which a generative model is a pair of mappers and a list of sub-objectives.",
)
console = Console()


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
