"""Tables as text."""


def markdown(frame, digits=2) -> str:
    """A DataFrame as a table in Markdown; names in backticks, unless they have spaces."""
    lines = [
        [_code(name), *(_cell(value, digits) for value in row)]
        for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    head = f"| | {' | '.join(map(_code, frame.columns))} |"
    rule = "|---" * (1 + len(frame.columns)) + "|"
    return "\n".join([head, rule, *(f"| {' | '.join(line)} |" for line in lines), ""])


def latex(frame, digits=2) -> str:
    """A DataFrame as a `tabular` of the package booktabs."""
    lines = [["", *map(_escaped, frame.columns)]]
    lines += [
        [_escaped(name), *(_escaped(_cell(value, digits)) for value in row)]
        for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    head, *body = (f"{' & '.join(line)} \\\\" for line in lines)
    columns = "l" + "r" * len(frame.columns)
    rows = ["\\toprule", head, "\\midrule", *body, "\\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{{columns}}}", *rows, "\\end{tabular}", ""])


def _code(name):
    name = ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return name if " " in name or not name else f"`{name}`"


def _escaped(text):
    text = ", ".join(map(str, text)) if isinstance(text, tuple) else str(text)
    for character in "&%_#":
        text = text.replace(character, f"\\{character}")
    return text.replace("–", "--")


def _cell(value, digits):
    if isinstance(value, str):
        return value
    return "–" if value is None or value != value else f"{value:.{digits}f}"
