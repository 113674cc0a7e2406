"""Functions that are computed in columns, and those that are called for each item: both give Python's results."""

import functools
import math
import operator
import time
import types
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pytest

from makiserve.stream.columns.column import Rows, column_of
from makiserve.stream.columns.expressions import column_function, column_starfunction
from makiserve.stream.columns.expressions.column_function import FEWEST
from tests.loops import loop_over
from tests.unit.stream.columns.expressions.expected import assert_as_python

SCALE = 1.5
WEIGHTS = [1, 2]
CALLS = []


class Item(NamedTuple):
    v: float
    w: float | None = 1.0
    n: int = 2
    name: str = "a"

    def doubled(self):
        return self.v * 2

    @property
    def half(self):
        return self.v / 2


class Features(NamedTuple):
    ratio: float
    label: int


class Struct(msgspec.Struct, frozen=True):
    ratio: float
    label: int = 1


@dataclass(frozen=True)
class Data:
    ratio: float
    label: int = 1


@dataclass
class Checked:
    ratio: float

    def __post_init__(self):
        CALLS.append(self.ratio)


def power(value, exponent):
    return 1 if exponent == 0 else value * power(value, exponent - 1)


def sign(value):
    if value > 0:
        return 1.0
    if value < 0:
        return -1.0
    return value


def closure():
    offset = 3

    def inner(i):
        return i.v + offset

    return inner


def counting():
    count = 0

    def inner(i):
        nonlocal count
        count += 1
        return i.v + count

    return inner


module = types.ModuleType("module")
exec("def filled(x): return 0.0 if x is None else x", vars(module))


def unpacking(i):
    v, w, n, name = i
    return v if n > 1 else (w, name)


def guarded(i):
    try:
        return i.v / i.w
    except (ZeroDivisionError, TypeError):
        return 0.0


def assigning(i):
    global SCALE
    SCALE = i.v
    return SCALE


ITEMS = [
    Item(1.0, 0.0, 3, "b"),
    Item(-0.0, None, -1),
    Item(math.nan, 2.5, 2**53 + 1),
    Item(-math.inf, -1.5, 0, ""),
    Item(7.25, 1e308, 2**63 - 1),
]

IN_COLUMNS = {
    "a field": lambda i: i.v,
    "the item": lambda i: i,
    "a constant": lambda i: 5,
    "None": lambda i: None,
    "arithmetic": lambda i: (i.v - i.n) / (i.w + 1e-5) * SCALE,
    "a guard against None": lambda i: 0.0 if i.w is None else i.w * 2,
    "a guard against zero": lambda i: i.v / i.w if i.w else None,
    "a chain": lambda i: 0 < i.v <= 10 and not i.n > 3,
    "membership": lambda i: i.name in ("a", "c"),
    "inverted bits": lambda i: ~i.n | 1,
    "a set": lambda i: i.name in {"a", "c"},
    "min and max": lambda i: max(0, min(i.v, 5.0)) * 2.0,
    "functions of math": lambda i: math.sqrt(i.v) + math.log(i.n) + math.atan2(i.v, 1),
    "rounding": lambda i: (round(i.v), round(i.v, 1), math.floor(i.v), int(i.v), divmod(i.v, 2)),
    "a comprehension": lambda i: sum([i.v * k for k in (1, 2, 3)]),
    "a generator": lambda i: any(value > 1 for value in (i.v, i.n)),
    "a named tuple": lambda i: Features(i.v / i.n, label=int(i.v > 0)),
    "a Struct": lambda i: Struct(i.v),
    "a data class": lambda i: Data(i.v, i.n),
    "a field of a new record": lambda i: Features(i.v, i.n).ratio + 1,
    "a tuple": lambda i: (i, (i.v, 1), "x"),
    "records and numbers": lambda i: Features(i.v, 1) if i.n > 2 else i.v if i.n else "none",
    "a field that is replaced by -1": lambda i: math.sqrt(i._replace(n=-1).n) if i.v > 1 else i.n,
    "a field that is replaced by 0": lambda i: i.n // i._replace(n=0).n if i.v > 1 else 1 // i._replace(n=0).n,
    "a field that is replaced by None": lambda i: 1 if i._replace(w=None).w is None else i.w,
    "one of two fields": lambda i: (i.w if i.n > 2 else i.v, i.n if i.v > 0 else 5),
    "a field of one path": lambda i: i.w if i.n > 2 else i.v,
    "records of two classes": lambda i: Features(i.v, 1) if i.n > 2 else Struct(i.v),
    "_replace": lambda i: i._replace(v=i.n * 2, name="c"),
    "indexes": lambda i: (i[0], i[-1]),
    "unpacking": unpacking,
    "all elements": lambda i: Item(*i),
    "a tuple of all elements": lambda i: tuple(i)[1:],
    "a helper": lambda i: sign(i.v),
    "a helper of a module": lambda i: module.filled(i.w) + 1,
    "a recursive helper": lambda i: power(i.v, 3),
    "more paths than are traced": lambda i: power(2, i.n % 99),
    "a closure": closure(),
    "a function of operator": lambda i: operator.mul(i.v, 2),
    "a partial function": functools.partial(lambda a, i: i.v + a, 2),
    "attrgetter": operator.attrgetter("v"),
    "text": lambda i: len(str(i.n)),
    "isinstance": lambda i: isinstance(i.w, float),
    "an early error": lambda i: i.v if i.n > 0 else [][0],
    "integers beyond 64 bits": lambda i: i.n * i.n + 1,
}


@loop_over("function", IN_COLUMNS.values(), ids=IN_COLUMNS)
def test_a_traceable_function_gives_the_results_of_python(function):
    fields = tuple(map(column_of, zip(*ITEMS, strict=True)))
    assert assert_as_python(function, Rows(Item, Item._fields, fields)).reason is None
    assert_as_python(function, column_of(ITEMS))


OPAQUE = {
    "it calls input": lambda i: input(i.v),
    "it calls time.time": lambda i: time.time() - i.v,
    "it calls datetime.fromtimestamp": lambda i: datetime.fromtimestamp(i.n),  # noqa: DTZ006
    "it reads WEIGHTS, a list": lambda i: i.v * WEIGHTS[0],
    "it reads CALLS, a list": lambda i: CALLS.append(i.v),
    "it calls a method of a value": lambda i: i.doubled(),
    "it makes text of a value": lambda i: f"{i.v:.1f}",
    "it catches exceptions": guarded,
    "it assigns a global variable": assigning,
    "it assigns the variable count of an enclosing function": counting(),
    "it tests identity with something other than None": lambda i: i.v is i.w,
    "it looks for a value in a container that it builds, where an object equals itself": lambda i: i.v in (i[0], i.w),
    "it reads __class__": lambda i: i.__class__.__name__,
    "it calls Checked": lambda i: Checked(i.v).ratio,
    "it uses a value of the type dict": lambda i: {"v": i.v},
}


@loop_over(("reason", "function"), OPAQUE.items(), ids=OPAQUE)
def test_an_opaque_function_is_called_for_each_item(reason, function):
    computed = column_function(function)
    assert computed.reason == reason


def test_an_opaque_function_marks_the_items_for_which_it_raises():
    evaluated = column_function(lambda i: f"{1 / i}").evaluate(column_of([2, 0, None, 4]))
    assert evaluated.failed.tolist() == [False, True, True, False]
    assert evaluated.items.take([0, 3]).items() == ["0.5", "0.25"]


def test_an_opaque_function_lets_other_exceptions_through():
    def interrupt(i):
        raise KeyboardInterrupt([i])

    with pytest.raises(KeyboardInterrupt):
        column_function(lambda i: interrupt(i)).evaluate(column_of([1]))


@loop_over("items", [column_of([1.5, -0.0, None]), column_of([True, False]), column_of(["a", 1, 2**70])])
@loop_over(
    "function",
    [abs, float, str, lambda x: x + x, lambda x: 0 if x is None else x, bool],
    ids=["abs", "float", "str", "sum", "default", "bool"],
)
def test_items_that_are_values(function, items):
    assert_as_python(function, items)


@pytest.mark.parametrize(
    "function",
    [Features, lambda a, b: a / b, lambda a, b=2: (b, a), operator.sub, max],
    ids=["named tuple", "quotient", "pair", "sub", "max"],
)
def test_a_starred_function_takes_the_elements(function):
    rows = Rows(None, (), (column_of([1.0, -0.0, 3.5]), column_of([0, None, 2])))
    assert_as_python(function, rows, starred=True)
    assert_as_python(function, column_of(rows.items()), starred=True)


def test_a_starred_function_fails_for_items_of_another_length():
    items = column_of([(1, 2)] * FEWEST + [(1,), 3])
    assert column_starfunction(lambda a, b: a + b).evaluate(items).failed.tolist() == [False] * FEWEST + [True, True]


class Unbuilt(NamedTuple):
    v: float
    n: int


def test_no_item_is_built_for_a_traced_function():
    def make(*_):
        raise AssertionError("an item was built")

    rows = Rows(make, ("v", "n"), (column_of([1.0] * FEWEST), column_of([2] * FEWEST)))
    evaluated = column_function(lambda i: Unbuilt(max(i.v, i.n), i.n + 1)).evaluate(rows)
    assert isinstance(evaluated.items, Rows)
    assert evaluated.items.items() == [Unbuilt(2, 3)] * FEWEST


def test_a_global_that_is_assigned_later_is_seen():
    namespace: dict[str, Any] = {"scale": 2}
    exec("def function(i): return i * scale", namespace)
    computed = column_function(namespace["function"])
    items = column_of([1.0] * FEWEST)
    assert computed.evaluate(items).items.items() == [2.0] * FEWEST
    namespace["scale"] = 3
    assert computed.evaluate(items).items.items() == [3.0] * FEWEST
    assert computed.reason == "a name that it reads has been assigned since"


def test_tracing_never_calls_what_has_an_effect():
    CALLS.clear()
    column_function(lambda i: CALLS.append(1) or i)  # type: ignore[func-returns-value]
    column_function(lambda i: Checked(i))
    assert CALLS == []


def test_a_property_is_read_from_each_item():
    assert_as_python(lambda i: i.half + 1, column_of(ITEMS))


def test_an_opaque_function_is_called_once_for_each_item():
    seen = []

    def function(i):
        seen.append(i)
        return 1 / i if i != 5 else next(iter([]))

    evaluated = column_function(function).evaluate(column_of([1, 0, 2, 5, 4]))
    assert seen == [1, 0, 2, 5, 4]
    assert evaluated.failed.tolist() == [False, True, False, True, False]


class Mutable(msgspec.Struct):
    value: float


def test_a_record_that_can_be_changed_is_one_object():
    evaluated = column_function(lambda i: (Mutable(i), 1)).evaluate(column_of([1.5] * FEWEST))
    evaluated.items.items()[0][0].value = 3.0
    assert evaluated.items.items()[0] == (Mutable(3.0), 1)
