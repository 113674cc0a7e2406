"""Arithmetic and comparisons of columns, with the results of Python's int, float and bool to the last bit."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.columns.expressions.node_values import (
    EXACT,
    GREATEST,
    LEAST,
    Value,
    called,
    either,
    integers,
    some,
    tight,
    unusable,
)

Bounds = tuple[int, int]
_RANGES: dict[str, Callable[[Value, Value], Bounds]] = {
    "add": lambda a, b: (a.low + b.low, a.high + b.high),
    "sub": lambda a, b: (a.low - b.high, a.high - b.low),
    "mul": lambda a, b: _extremes(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high),
    "floordiv": lambda a, b: _extremes(a.low, -a.low, a.high, -a.high),
    "mod": lambda a, b: _extremes(b.low, -b.low, b.high, -b.high),
    "and": lambda a, b: (LEAST, GREATEST),
    "or": lambda a, b: (LEAST, GREATEST),
    "xor": lambda a, b: (LEAST, GREATEST),
}
_PYTHON: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": operator.abs,
    "invert": operator.invert,
}
_NUMPY: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "neg": np.negative,
    "abs": np.absolute,
    "invert": np.invert,
}
ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
UNARY = ("neg", "pos", "abs", "invert")


def binary(operation: str, left: Value, right: Value, active: Mask | None, size: int) -> Value:
    """Compute an arithmetic operation."""
    kinds = left.kind + right.kind
    result: Value | None = None
    if "O" in kinds or operation in ("pow", "lshift", "rshift"):
        result = None
    elif operation == "truediv" or ("f" in kinds and operation in ("add", "sub", "mul", "floordiv", "mod")):
        result = _floats(operation, left, right)
    elif kinds == "bb" and operation in ("and", "or", "xor"):
        result = Value("b", _NUMPY[operation](left.values, right.values), None, unusable(left, right))
    elif "f" not in kinds:
        result = _integers(operation, as_int(left), as_int(right))
    return called(_PYTHON[operation], (left, right), active, size) if result is None else result


def unary(operation: str, operand: Value, active: Mask | None, size: int) -> Value:
    """Compute an operation on one value."""
    operand = as_int(operand)
    if operand.kind == "f" and operation != "invert":
        values = operand.values if operation == "pos" else _NUMPY[operation](operand.values)
        return Value("f", values, None, unusable(operand))
    if operand.kind == "i":
        if operation == "pos":
            return replace(operand, missing=None, bad=unusable(operand))
        close = operand if operand.within(-GREATEST, GREATEST) else tight(operand)
        if close.within(-GREATEST, GREATEST) or operation == "invert":
            low, high = _extremes(close.low, -close.low, close.high, -close.high)
            bounds = (low - 1, high) if operation == "invert" else (low, high)
            return integers(_NUMPY[operation](operand.values), *bounds, bad=unusable(operand))
    return called(_PYTHON[operation], (operand,), active, size)


def compare(operation: str, left: Value, right: Value, active: Mask | None, size: int) -> Value:
    """Compare values."""
    kinds = left.kind + right.kind
    missing = left.missing is not None or right.missing is not None
    if "O" in kinds or (missing and operation in ("eq", "ne")):
        if right.is_constant and right.values is None and left.kind != "O":
            return _equals_none(operation, left, active, size)
        return called(_PYTHON[operation], (left, right), active, size)
    if "f" in kinds and kinds != "ff":
        left, right = _exact(left), _exact(right)
        if not (_fits(left) and _fits(right)):
            return called(_PYTHON[operation], (left, right), active, size)
    return Value("b", _NUMPY[operation](left.values, right.values), None, unusable(left, right))


def as_int(value: Value) -> Value:
    """Return booleans as integers, as in Python's arithmetic."""
    if value.kind != "b":
        return value
    values = int(value.values) if value.is_constant else value.values.astype(np.int64)
    return Value("i", values, value.missing, value.bad, 0, 1)


def as_float(value: Value) -> Any:
    """Return numbers as floats, rounded as by Python's `float`."""
    if value.kind == "f":
        return value.values
    return float(value.values) if value.is_constant else value.values.astype(np.float64)


def _equals_none(operation: str, left: Value, active: Mask | None, size: int) -> Value:
    if operation not in ("eq", "ne"):
        return called(_PYTHON[operation], (left, Value("O", None)), active, size)
    none = np.zeros(size, np.bool_) if left.missing is None else left.missing
    return Value("b", none if operation == "eq" else ~none, None, left.bad)


def _floats(operation: str, left: Value, right: Value) -> Value | None:
    if "f" not in left.kind + right.kind:
        left, right = _exact(left), _exact(right)
        if not (_fits(left) and _fits(right)):
            return None  # the quotient of integers is rounded once
    dividend, divisor = as_float(left), as_float(right)
    bad = unusable(left, right)
    if operation in ("truediv", "floordiv", "mod"):
        bad = either(bad, _where(divisor == 0, dividend))
    if operation in ("floordiv", "mod"):
        bad = either(bad, _where(~np.isfinite(dividend), divisor), _where(~np.isfinite(divisor), dividend))
    return Value("f", _NUMPY[operation](dividend, divisor), None, bad)


def _where(condition: Any, other: Any) -> Mask | None:
    """Return a condition of one operand as a mask of the length of both."""
    if isinstance(condition, np.ndarray):
        return some(condition)
    return np.ones(len(other), np.bool_) if condition else None


def _integers(operation: str, left: Value, right: Value) -> Value | None:
    if operation not in _RANGES:
        return None
    low, high = _RANGES[operation](left, right)
    if low < LEAST or high > GREATEST:
        left, right = tight(left), tight(right)
        low, high = _RANGES[operation](left, right)
        if low < LEAST or high > GREATEST:
            return None  # the result may need more than 64 bits
    bad = unusable(left, right)
    if operation in ("floordiv", "mod"):
        bad = either(bad, _where(right.values == 0, left.values))
    values: Array = _NUMPY[operation](left.values, right.values)
    return integers(values, low, high, bad=bad)


def _exact(value: Value) -> Value:
    return tight(value) if value.kind == "i" and not _fits(value) else value


def _fits(value: Value) -> bool:
    return value.kind != "i" or value.within(-EXACT, EXACT)


def _extremes(*bounds: int) -> Bounds:
    return min(bounds), max(bounds)
