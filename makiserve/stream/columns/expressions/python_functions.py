"""Python's own functions, for a traced function: what they do with symbols is part of the expression."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, GeneratorType
from typing import Any

from makiserve.stream.columns.expressions.nodes import Untraceable
from makiserve.stream.columns.expressions.symbols import RecordSymbol, Symbol, is_symbolic, parts, record_parts

_ITERABLES = (list, GeneratorType, map, filter, zip, reversed)
_NATIVE = {
    *(abs, min, max, round, divmod, pow, any, all, sorted, range, enumerate, zip, reversed, tuple, list, map, filter),
    *(math.floor, math.ceil, math.trunc),
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow),
    *(operator.neg, operator.pos, operator.abs, operator.invert, operator.not_, operator.getitem),
    *(operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
}
"""Functions that reach a symbol only through its operators."""
_IN_COLUMNS: dict[Any, str] = {
    float: "float",
    int: "int",
    bool: "bool",
    math.sqrt: "sqrt",
    math.fabs: "fabs",
    math.isnan: "isnan",
    math.isinf: "isinf",
    math.isfinite: "isfinite",
    math.copysign: "copysign",
}
"""Functions of numbers that are computed in columns, each by its operation."""
_FOR_EACH = {
    *(value for value in vars(math).values() if isinstance(value, BuiltinFunctionType)),
    *(len, sum, str, ord, chr, hash),
} - {*_NATIVE, *_IN_COLUMNS, hash}
"""Functions without effect, which are called for each value."""


def substitute_function(value: Any) -> Any:
    """Return what stands for a function or a type; None if it is not known."""
    if not isinstance(value, BuiltinFunctionType | type):
        return None
    if value in _NATIVE:
        return value
    if value in _IN_COLUMNS:
        return _operation(_IN_COLUMNS[value], value)
    if value in _FOR_EACH:
        return for_each(value)
    return _isinstance if value is isinstance else None


def path_of(values: Any) -> Any:
    """Return the path of the first symbol among values."""
    for value in values:
        if type(value) is Symbol:
            return parts(value)[0]
        if is_symbolic(value):
            return path_of(record_parts(value)[1].values() if type(value) is RecordSymbol else value)
    raise AssertionError("no symbol among values that contain one")


def _operation(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def operation(*arguments: Any) -> Any:
        if not any(map(is_symbolic, arguments)):
            return function(*arguments)
        if len(arguments) != (2 if name == "copysign" else 1):
            raise Untraceable(f"it calls {function.__name__} with {len(arguments)} arguments")
        return path_of(arguments).symbol(name, arguments)

    operation.__wrapped__ = function  # type: ignore[attr-defined]
    return operation


def for_each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands for a function without effect: it is called for each item whose value is a symbol."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        given = [tuple(value) if _is_consumed(function, value) else value for value in arguments]
        if any(map(is_symbolic, keywords.values())):
            raise Untraceable(f"it calls {function.__name__} with keywords that depend on the item")
        if not any(map(is_symbolic, given)):
            return function(*given, **keywords)
        return path_of(given).call(function, given, tuple(sorted(keywords.items())))

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _is_consumed(function: Callable[..., Any], value: Any) -> bool:
    """Return whether a function takes the elements of a value, which may be symbols."""
    return isinstance(value, _ITERABLES) or (
        function is sum and type(value) is not Symbol and isinstance(value, Iterable)
    )


def _isinstance(value: Any, classes: Any) -> Any:
    given = classes if type(classes) is tuple else (classes,)
    classes = tuple(getattr(cls, "__wrapped__", cls) for cls in given)
    if not is_symbolic(value):
        return isinstance(value, classes)
    if type(value) is not Symbol or any(type(cls) is not type for cls in classes):
        raise Untraceable("it calls isinstance")
    return parts(value)[0].symbol("isinstance", (value,), classes)
