"""Tables as text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def markdown(frame: "pd.DataFrame", digits: int = 2) -> str:
    """A DataFrame as a Markdown table, with names in backticks unless they have spaces."""
    lines = [
        [_code(name), *(_cell(value, digits) for value in row)]
        for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    head = f"| | {' | '.join(map(_code, frame.columns))} |"
    rule = "|---" * (1 + len(frame.columns)) + "|"
    return "\n".join([head, rule, *(f"| {' | '.join(line)} |" for line in lines), ""])


def latex(frame: "pd.DataFrame", digits: int = 2) -> str:
    """A DataFrame as a LaTeX `tabular` for the package booktabs."""
    named = frame.set_axis([*map(_plain, frame.index)]).set_axis([*map(_plain, frame.columns)], axis=1)
    return named.to_latex(float_format=f"%.{digits}f", na_rep="--", escape=True)


def _plain(name: object) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _code(name: object) -> str:
    name = _plain(name)
    return name if " " in name or not name else f"`{name}`"


def _cell(value: str | float | None, digits: int) -> str:
    if isinstance(value, str):
        return value
    return "–" if value is None or value != value else f"{value:.{digits}f}"
