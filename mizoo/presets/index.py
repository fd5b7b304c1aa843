"""List of the presets, read from their source, as importing them would import TensorFlow."""

import ast
from importlib import resources
from typing import NamedTuple


class Entry(NamedTuple):
    """A preset: its name, the first line of its docstring, the data that it takes and its paper."""

    name: str
    summary: str
    data: str
    paper: str


def entries() -> list[Entry]:
    """All presets of the package, in the order of their modules and definitions."""
    found = []
    for file in sorted(resources.files("mizoo.presets").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.FunctionDef) and (registered := _registration(node)):
                    found.append(_entry(node, registered))
    return found


def _registration(function: ast.FunctionDef) -> ast.Call | None:
    """The decorator `@preset(paper, data, …)` of a function, if it has one."""
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="preset")):
                return decorator
    return None


def _entry(function: ast.FunctionDef, registered: ast.Call) -> Entry:
    paper, data, *_ = (ast.literal_eval(argument) for argument in registered.args[:2])
    summary = (ast.get_docstring(function) or "").partition("\n")[0].rstrip(".:")
    return Entry(function.name, summary, data, paper)
