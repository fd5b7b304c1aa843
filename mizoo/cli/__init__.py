"""The command line: errors are printed in one line; `MIZOO_DEBUG=1` shows the traceback."""

import os
import textwrap
import warnings
from typing import Any, TextIO

import typer

from mizoo.cli import commands, draws  # noqa: F401  they add their commands
from mizoo.cli.app import app

__all__ = ["app", "main"]
# Typer exports no common base class of its usage errors.
_USAGE: Any = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line and print errors in one line on stderr.

    The exit status is 1 for an error, 2 for wrong usage and 130 for an interruption.
    """
    if os.environ.get("MIZOO_DEBUG"):
        app()
    with warnings.catch_warnings():
        show = warnings.showwarning

        def shown(
            message: str | Warning,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if category.__module__.startswith("mizoo."):
                _fail(message, 0)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = shown
        raise SystemExit(_status())


def _status() -> int:
    """Run a command, print errors in one line, and return the exit status."""
    try:
        status = app(standalone_mode=False) or 0
        return _fail("interrupted", status) if status == 130 else status
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except _USAGE as error:
        return _fail(f"{error.format_message()} (`{error.ctx.command_path} --help` says more)", 2)
    except (ValueError, OSError, ArithmeticError, ImportError) as error:
        return _fail(_line(error) or type(error).__name__, 1)
    except Exception as error:  # from TensorFlow, or a bug of this package
        return _fail(f"{type(error).__name__}: {_line(error)} (MIZOO_DEBUG=1 shows where)", 1)


def _fail(line: str | Warning, status: int) -> int:
    typer.echo(f"mizoo: {line}", err=True)
    return status


def _line(error: Exception) -> str:
    """The first informative line of a message, at most 300 characters."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    # TensorFlow's messages begin with headings and traces.
    telling = [line for line in lines if not line.startswith((" ", "\t", "<")) and not line.endswith(":")]
    return textwrap.shorten(next(iter(telling or lines), ""), 300, placeholder=" …")
