"""Compare a column function with calls of the Python function."""

import dataclasses
import math
import struct
from datetime import datetime, time

import msgspec

from makiserve.stream.columns.expressions import column_function, column_starfunction
from makiserve.stream.columns.expressions.column_function import FEWEST


def is_same(actual, expected):
    """Return whether two values have the same type and the same bits; NaN equals NaN."""
    if type(actual) is not type(expected):
        return False
    if isinstance(actual, float):
        return struct.pack("d", actual) == struct.pack("d", expected) or (math.isnan(actual) and math.isnan(expected))
    if isinstance(actual, datetime | time):
        return repr(actual) == repr(expected) and actual.tzinfo is expected.tzinfo
    if isinstance(actual, tuple):
        return len(actual) == len(expected) and all(map(is_same, actual, expected))
    if isinstance(actual, msgspec.Struct):
        return is_same(msgspec.structs.astuple(actual), msgspec.structs.astuple(expected))
    if dataclasses.is_dataclass(actual) and not isinstance(actual, type):
        return is_same(dataclasses.astuple(actual), dataclasses.astuple(expected))
    return actual == expected


def assert_as_python(function, items, *, starred=False):
    """Assert that a column function returns and raises what the function does, in large and small batches."""
    computed = (column_starfunction if starred else column_function)(function)
    values = items.items()
    for at in (list(range(len(values))), (list(range(len(values))) * FEWEST)[: max(len(values), FEWEST)]):
        evaluated = computed.evaluate(items.take(at))
        actual = evaluated.items.items()
        assert len(actual) == len(at)
        for row, index in enumerate(at):
            expected, has_raised = called(function, values[index], starred)
            assert has_raised == (evaluated.failed is not None and evaluated.failed[row]), values[index]
            assert has_raised or is_same(actual[row], expected), (values[index], actual[row], expected)
    return computed


def called(function, item, starred):
    """Return what a function returns for an item, and whether it raises."""
    try:
        return (function(*item) if starred else function(item)), False
    except Exception:  # noqa: BLE001  whatever the function raises
        return None, True
