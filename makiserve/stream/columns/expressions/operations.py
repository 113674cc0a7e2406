"""The operations of column expressions: what each node of an expression computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Mask, none_mask
from makiserve.stream.columns.expressions import field_access, time_arithmetic, time_methods
from makiserve.stream.columns.expressions.arithmetic import (
    ARITHMETIC,
    COMPARISONS,
    UNARY,
    as_float,
    as_int,
    binary,
    compare,
    unary,
)
from makiserve.stream.columns.expressions.node_values import (
    KIND,
    RecordColumns,
    Value,
    Values,
    called,
    either,
    integers,
    scalar,
    some,
    unusable,
)
from makiserve.stream.columns.expressions.time_values import TimeValue

Operation = Callable[[Any, Sequence[Values], "Mask | None", int], Values]
"""Takes the parameter of a node, its operands, the items that need the result and the number of all items."""


def truth(value: Values, active: Mask | None, size: int) -> Value:
    """Return `bool` of values."""
    if isinstance(value, TimeValue):
        return time_methods.truth(value)
    value = scalar(value)
    if value.kind == "b" and value.missing is None:
        return value
    if value.kind == "O":
        return called(bool, (value,), active, size)
    is_true = value.values != 0
    return Value("b", is_true if value.missing is None else is_true & ~value.missing, None, value.bad)


def _is_none(value: Values, size: int) -> Values:
    if isinstance(value, RecordColumns):
        return Value("b", False, None, value.bad)
    if isinstance(value, TimeValue):
        return time_methods.is_none(value)
    value = scalar(value)
    if value.kind == "O" and not value.is_constant:
        is_none = none_mask(value.values.tolist())
        return Value("b", is_none, None, value.bad)
    return Value("b", False if value.missing is None else value.missing, None, value.bad)


def _isinstance(classes: tuple[type, ...], value: Values, active: Mask | None, size: int) -> Value:
    if isinstance(value, TimeValue):
        return time_methods.is_instance(value, classes, size)
    value = scalar(value)
    if value.kind == "O" or value.missing is not None:
        return called(partial(_is_instance, classes), (value,), active, size)
    kind = next(cls for cls, kind in KIND.items() if kind == value.kind)
    return Value("b", np.full(size, issubclass(kind, classes)), None, value.bad)


def _is_instance(classes: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, classes)


def _conversion(name: str, value: Value, active: Mask | None, size: int) -> Value:
    if value.kind == "O":
        return called(float if name == "float" else int, (value,), active, size)
    if name == "float":
        return Value("f", as_float(value), None, unusable(value))
    return _to_integer("trunc", value, active, size)


_ROUNDED = {"trunc": np.trunc, "floor": np.floor, "ceil": np.ceil, "round": np.rint}
_ROUND: dict[str, Callable[[Any], Any]] = {
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
}


def _to_integer(name: str, value: Value, active: Mask | None, size: int) -> Value:
    value = as_int(value)
    if value.kind == "O":
        return called(_ROUND[name], (value,), active, size)
    if value.kind == "i":
        return integers(value.values, value.low, value.high, bad=unusable(value))
    rounded = _ROUNDED[name](value.values)
    bad = some(~(np.abs(rounded) < 2.0**63))
    if bad is not None:
        rounded = np.where(bad, 0.0, rounded)
    return integers(rounded.astype(np.int64), bad=either(bad, unusable(value)))


def _sqrt(value: Value) -> Value:
    values = as_float(value)
    return Value("f", np.sqrt(values), None, either(some(values < 0), unusable(value)))


def _of_float(function: Callable[..., Any], kind: str, *operands: Value) -> Value:
    return Value(kind, function(*map(as_float, operands)), None, unusable(*operands))


_OF_FLOAT: dict[str, tuple[Callable[..., Any], Callable[..., Any], str]] = {
    "fabs": (np.absolute, math.fabs, "f"),
    "isnan": (np.isnan, math.isnan, "b"),
    "isinf": (np.isinf, math.isinf, "b"),
    "isfinite": (np.isfinite, math.isfinite, "b"),
    "copysign": (np.copysign, math.copysign, "f"),
}


def _math(name: str, *operands: Value, active: Mask | None, size: int) -> Value:
    if any(value.kind == "O" for value in operands):
        return called(math.sqrt if name == "sqrt" else _OF_FLOAT[name][1], operands, active, size)
    if name == "sqrt":
        return _sqrt(operands[0])
    function, _, kind = _OF_FLOAT[name]
    return _of_float(function, kind, *operands)


def _call(parameter: Any, operands: Sequence[Values], active: Mask | None, size: int) -> Value:
    function, keywords = parameter
    return called(partial(function, **dict(keywords)) if keywords else function, operands, active, size)


def _field(value: Values, name: str, size: int) -> Values:
    return time_methods.part(value, name) if isinstance(value, TimeValue) else field_access.attribute(value, name, size)


def _record(parameter: Any, operands: Sequence[Values]) -> RecordColumns:
    make, names = parameter
    return RecordColumns(make, names, tuple(operands), either(*(operand.bad for operand in operands)))


def _scalar(function: Callable[..., Value], name: str) -> Operation:
    """Return an operation on values that are not records."""

    def operation(parameter: Any, operands: Sequence[Values], active: Mask | None, size: int) -> Value:
        return function(name, *map(scalar, operands), active=active, size=size)

    return operation


def _or_of_times(function: Callable[..., Value], of_times: Callable[..., Values | None], name: str) -> Operation:
    """Return an operation on values that are not records, some of which may be times."""

    def operation(parameter: Any, operands: Sequence[Values], active: Mask | None, size: int) -> Values:
        result = of_times(name, *operands, active, size) if any(isinstance(o, TimeValue) for o in operands) else None
        return function(name, *map(scalar, operands), active=active, size=size) if result is None else result

    return operation


OPERATIONS: dict[str, Operation] = {
    **{name: _or_of_times(binary, time_arithmetic.binary, name) for name in ARITHMETIC},
    **{name: _or_of_times(compare, time_arithmetic.compare, name) for name in COMPARISONS},
    **{name: _or_of_times(unary, time_arithmetic.unary, name) for name in UNARY},
    **{name: _scalar(_to_integer, name) for name in _ROUND},
    **{name: _scalar(_conversion, name) for name in ("float", "int")},
    "bool": lambda _, o, a, n: truth(o[0], a, n),
    **{name: _scalar(_math, name) for name in ("sqrt", *_OF_FLOAT)},
    "is_none": lambda _, o, a, n: _is_none(o[0], n),
    "isinstance": lambda classes, o, a, n: _isinstance(classes, o[0], a, n),
    "call": _call,
    "build": lambda cls, o, a, n: called(cls, o, a, n, checked=False),
    "record": lambda parameter, o, a, n: _record(parameter, o),
    "field": lambda name, o, a, n: _field(o[0], name, n),
    "method": lambda parameter, o, a, n: time_methods.method(parameter, o, a, n),
    "date": lambda _, o, a, n: time_methods.build_dates([scalar(part) for part in o], a, n),
    "timedelta": lambda _, o, a, n: time_methods.build_durations([scalar(amount) for amount in o], a, n),
    "element": lambda index, o, a, n: field_access.element(o[0], index, a, n),
    "unpack": lambda count, o, a, n: field_access.unpack(o[0], count, n),
    "replace": lambda names, o, a, n: field_access.replaced(o[0], names, o[1:], n),
}
