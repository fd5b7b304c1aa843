"""Formulas in descriptions: arithmetic, comparisons and logic, without any other code."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

_Functions = Mapping[str, Callable[..., Any]]
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS = {"abs": "abs", "sqrt": "sqrt", "exp": "exp", "log": "log", "cosh": "cosh", "sinh": "sinh"}


class Expression:
    """A formula such as `20 * sqrt(1 + eta**2 / 20)` or `n_jets == 2 and n_electrons > 0`.

    It supports numbers, names, `+ - * / **`, comparisons, `and`, `or`, `not`, and the functions `abs`,
    `sqrt`, `exp`, `log`, `cosh`, `sinh`. Other functions must be passed.

    Args:
        text: text of the formula.
        functions: names of further functions that may be called.

    Raises:
        ValueError: for text that is not a formula, with the reason.
    """

    def __init__(self, text: str, functions: tuple[str, ...] = ()) -> None:
        self.text = text
        self._known = (*_FUNCTIONS, *functions)
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"{text!r} is no formula: {error.msg}") from error
        self._check(self._tree)

    @property
    def names(self) -> set[str]:
        """Names of the quantities in the formula; `jet.pt` is the quantity `jet`."""
        called = {node.func for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        found = (node for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        return {node.id for node in found if node not in called}

    def __call__(self, library: Any, functions: _Functions | None = None, **values: Any) -> Any:
        """The value of the formula.

        Args:
            library: module that provides the functions, such as `numpy` or `keras.ops`.
            functions: further functions by name.
            values: values of the quantities by name, numbers or arrays.
        """
        return self._value(self._tree, library, functions or {}, values)

    def _check(self, node: ast.AST) -> None:
        match node:
            case ast.Constant(value=bool() | int() | float()) | ast.Name():
                return
            case ast.Attribute(value=ast.Name()):
                return
            case ast.BinOp(op=op) if type(op) in _BINARY:
                inner: list[ast.expr] = [node.left, node.right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not()):
                inner = [node.operand]
            case ast.BoolOp():
                inner = node.values
            case ast.Compare(ops=ops) if all(type(op) in _COMPARED for op in ops):
                inner = [node.left, *node.comparators]
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                if name not in self._known:
                    raise ValueError(
                        f"{self.text!r}: no function {name}; there are {', '.join(self._known)}"
                    )
                inner = node.args
            case _:
                raise ValueError(f"{self.text!r}: a formula has no {ast.unparse(node)!r}")
        for one in inner:
            self._check(one)

    def _value(self, node: ast.AST, library: Any, functions: _Functions, values: dict[str, Any]) -> Any:
        def of(inner: ast.AST) -> Any:
            return self._value(inner, library, functions, values)

        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name not in values:
                    raise ValueError(f"{self.text!r}: no {name}; there are {', '.join(sorted(values))}")
                return values[name]
            case ast.Attribute(value=inner, attr=name):
                whole = of(inner)
                try:
                    return whole[name]
                except (KeyError, IndexError, ValueError, TypeError) as error:
                    raise ValueError(f"{self.text!r}: no {ast.unparse(node)}") from error
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](of(left), of(right))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return library.logical_not(of(operand))
            case ast.UnaryOp(op=op, operand=operand):
                return -of(operand) if isinstance(op, ast.USub) else of(operand)
            case ast.BoolOp(op=op, values=parts):
                join = library.logical_and if isinstance(op, ast.And) else library.logical_or
                return reduce(join, map(of, parts))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                sides = [of(side) for side in (left, *rest)]
                pairs = zip(ops, sides, sides[1:], strict=False)
                return reduce(library.logical_and, [_COMPARED[type(op)](a, b) for op, a, b in pairs])
            case ast.Call(func=ast.Name(id=name), args=arguments):
                function = functions.get(name) or getattr(library, _FUNCTIONS[name])
                return function(*map(of, arguments))
        raise AssertionError(f"unchecked {ast.dump(node)}")

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"
