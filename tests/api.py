"""The public interface as text: names, and the arguments of functions and methods.

`python tests/api.py` writes it to `tests/data/api.txt`; a change of that file is a change that users see.
"""

import importlib
import inspect
from pathlib import Path

import keras

FILE = Path(__file__).parent / "data" / "api.txt"
MODULES = (
    "mizoo", "mizoo.datasets", "mizoo.distribute", "mizoo.evaluation", "mizoo.evaluation.figures",
    "mizoo.export", "mizoo.mappers", "mizoo.model", "mizoo.networks", "mizoo.objectives",
    "mizoo.physics", "mizoo.presets", "mizoo.representations", "mizoo.training",
)  # fmt: skip


def lines() -> list[str]:
    """One line per public name, and one per public method of a class."""
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        for member in sorted(module.__all__):
            found += _described(f"{name}.{member}", getattr(module, member))
    return found


def _described(name, thing):
    if inspect.isclass(thing):
        methods = [
            key
            for key, value in inspect.getmembers(thing, inspect.isroutine)
            if not key.startswith("_") and (getattr(value, "__module__", "") or "").startswith("mizoo")
        ]
        own = [f"class {name}{_arguments(thing)}"]
        return own + [f"    {key}{_arguments(getattr(thing, key))}" for key in methods]
    if callable(thing):
        return [f"{name}{_arguments(thing)}"]
    return [name]


def _has_own_constructor(thing):
    """Whether it is a layer with another constructor than `keras.layers.Layer`."""
    layer = keras.layers.Layer
    return inspect.isclass(thing) and issubclass(thing, layer) and thing.__init__ is not layer.__init__


def _arguments(function):
    """Names, and whether they have defaults; versions of Python write annotations differently."""
    try:
        if _has_own_constructor(function):
            # Not of the class: patch releases of Python differ in whether Keras's `__new__` comes first.
            _, *parameters = inspect.signature(function.__init__).parameters.values()
        else:
            parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return "(…)"
    shown = []
    for parameter in parameters:
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else "=…"
        shown.append(f"{prefix}{parameter.name}{default}")
    return f"({', '.join(shown)})"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n")
