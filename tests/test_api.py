"""Public names and their arguments change on purpose only."""

import ast
from pathlib import Path

from api import FILE, lines

PACKAGE = Path(__file__).parents[1] / "mizoo"


def test_public_interface_is_the_one_committed():
    """`python tests/api.py` writes it anew."""
    assert lines() == FILE.read_text().splitlines()


def test_public_functions_are_annotated():
    """All arguments and results of public functions, methods and constructors."""
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in public_functions(ast.parse(path.read_text())):
            arguments = function.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += [one for one in (arguments.vararg, arguments.kwarg) if one]
            missing = [
                one.arg for one in every if one.annotation is None and one.arg not in ("self", "cls")
            ]
            if missing or function.returns is None:
                bare.append(f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}")
    assert not bare


def public_functions(node):
    """Functions of a module or a class that have no underscore, and constructors."""
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public_functions(child)
        elif isinstance(child, ast.FunctionDef) and (child.name == "__init__" or child.name[0] != "_"):
            yield child
