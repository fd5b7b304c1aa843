"""YAML files, with errors reported by line and key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import ValidationError

_Described = TypeVar("_Described")


class Description(NamedTuple):
    """Content of a YAML file, and its nodes, which know their lines."""

    values: dict[str, Any]
    root: yaml.Node

    def place(self, error: ValidationError) -> str:
        """The line of the first error of a validation, such as `line 3: `."""
        node, line = self.root, self.root.start_mark.line
        for key in error.errors()[0]["loc"]:
            match node:
                case yaml.MappingNode() if key != 0:
                    found = [(k, v) for k, v in node.value if k.value == str(key)]
                case yaml.SequenceNode() if isinstance(key, int) and key < len(node.value):
                    found = [(node.value[key], node.value[key])]
                case _ if key == 0:  # a single item in place of a list
                    continue
                case _:
                    break
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        return f"line {line + 1}: "


def read(path: str | Path) -> Description:
    """Read a YAML file that holds one mapping.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not a YAML file with a mapping, with file and line.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        text = Path(path).read_text()
        root, values = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{where}: no YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: no YAML: {error}") from error
    if root is None or not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{path}: a mapping of keys to values is expected")
    return Description(values, root)


def load(path: str | Path, make: Callable[..., _Described]) -> _Described:
    """Call `make` with the content of a YAML file.

    Args:
        path: path of the file.
        make: function that takes the keys as arguments. The cause of a `ValueError` that it raises is a
            `ValidationError` of pydantic.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for an error in the file, with file, line and key.
    """
    content = read(path)
    try:
        return make(**content.values)
    except ValueError as error:
        if not isinstance(cause := error.__cause__, ValidationError):
            raise
        raise ValueError(f"{path}, {content.place(cause)}{fault(cause)}") from cause


def fault(error: ValidationError) -> str:
    """The first error of a validation, in one line that names the key."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    message = "there is no such key" if first["type"] == "extra_forbidden" else message
    return f"{key}: {message}" if key else message
