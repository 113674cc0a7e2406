"""Random functions of random columns: computed in columns, they return and raise what Python does."""

import math
import warnings
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.stream.columns.column import Rows, column_of
from tests.examples import examples
from tests.unit.stream.columns.expressions.expected import assert_as_python


class Pair(NamedTuple):
    left: object
    right: object = None


class Struct(msgspec.Struct):
    left: object
    right: object = None


class Item(NamedTuple):
    f: float
    g: float
    n: int
    m: int
    b: bool
    x: float | None
    k: int | None
    s: str | None
    o: object


FLOATS = st.sampled_from(
    [0.0, -0.0, 1.0, -1.5, 2.5, 0.1, 5e-324, -2.2e-308, 1e308, -1e308, 2.0**53, 2.0**63, math.inf, -math.inf, math.nan]
) | st.floats(-100, 100)
INTS = st.sampled_from([0, 1, -1, 2, 7, -7, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63)])
ITEMS = st.builds(
    Item,
    FLOATS,
    FLOATS,
    INTS,
    st.integers(-9, 9),
    st.booleans(),
    FLOATS | st.none(),
    INTS | st.none(),
    st.sampled_from(["", "a", "b", None]),
    FLOATS | INTS | st.booleans() | st.none() | st.just(2**70),
)
FIELDS = ["i.f", "i.g", "i.n", "i.m", "i.b", "i.x", "i.k", "i.o", "i[0]", "i[-1]", "half(i)", "SCALE"]
CONSTANTS = ["0", "1", "3", "-2", "0.0", "-0.0", "2.5", "1e300", "True", "2**53 + 1", "2**63", "None"]
LEAVES = st.sampled_from(FIELDS + CONSTANTS)
OPERATORS = ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "&", "|", "^", "and", "or"]
FUNCTIONS = ["abs", "-", "+", "not ", "float", "int", "bool", "round", "half_of", "first"]
FUNCTIONS += [f"math.{name}" for name in ("sqrt", "floor", "ceil", "trunc", "log", "exp", "isnan", "isfinite", "fabs")]


def _compound(inner):
    def join(template, *parts):
        return st.tuples(*parts).map(lambda values: template.format(*values))

    return st.one_of(
        join("({} {} {})", inner, st.sampled_from(OPERATORS), inner),
        join("({} {} {})", inner, st.sampled_from(OPERATORS), inner),
        join("({}({}))", st.sampled_from(FUNCTIONS), inner),
        join("({} if {} else {})", inner, inner, inner),
        join("({} < {} <= {})", inner, inner, inner),
        join("({} is None)", inner),
        join("({} if {} is not None else {})", inner, inner, inner),
        join("{}({}, {})", st.sampled_from(["min", "max", "math.copysign", "math.hypot", "Pair"]), inner, inner),
        join("Pair({}, {}).left", inner, inner),
        join("({} ** {})", inner, st.sampled_from(["2", "0.5", "-1", "0"])),
        join("round({}, {})", inner, st.sampled_from(["0", "1", "-1"])),
        join("isinstance({}, {})", inner, st.sampled_from(["float", "int", "(int, str)"])),
        join("sum(({}, {}))", inner, inner),
        join("({} in ({}, {}))", inner, inner, inner),
        join("(i.s in {{'a', 'c'}} or {})", inner),
        join("Struct({}, {}).right", inner, inner),
        join("divmod({}, {})[0]", inner, inner),
        join("sum(k * {} for k in (1, 0.5))", inner),
    )


NUMBERS = st.recursive(LEAVES, _compound, max_leaves=8)
RESULTS = st.one_of(
    NUMBERS,
    st.tuples(NUMBERS, NUMBERS).map("({0[0]}, {0[1]})".format),
    st.tuples(NUMBERS, NUMBERS).map("Pair({0[0]}, right={0[1]})".format),
    st.tuples(NUMBERS, NUMBERS).map("i.s or ({0[0]}) or ({0[1]})".format),
    st.tuples(NUMBERS, NUMBERS).map("({0[0]}) if i.s == 'a' else Pair({0[1]}, i.s)".format),
    st.tuples(NUMBERS, NUMBERS).map("Struct({0[0]}, ({0[1]}, i.s))".format),
    NUMBERS.map("i._replace(f={}, s=i.s)".format),
)
PREFIXES = st.one_of(
    st.just(""),
    NUMBERS.map("    if {}:\n        return i.m\n".format),
    NUMBERS.map("    unused = {}\n".format),
    st.just("    f, g, *_ = tuple(i)\n    i = i._replace(f=g, g=f)\n"),
    st.just("    f, g, n, m, b, x, k, s, o = i\n    i = Item(g, f, m, n, b, x, k, s, o)\n"),
    NUMBERS.map("    if not {}:\n        raise ValueError(0)\n".format),
)


def function_of(prefix, result):
    source = f"def function(i):\n{prefix}    return {result}\n"
    helpers: dict[str, Any] = {"half": lambda i: i.f / 2, "half_of": lambda v: v / 2}
    helpers["first"] = lambda v, w=1: v if v > 0 else w
    namespace = {"math": math, "Pair": Pair, "Struct": Struct, "Item": Item, "SCALE": 1.5, **helpers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "is" with a literal
        exec(source, namespace)
    return namespace["function"]


@pytest.mark.slow
@given(PREFIXES, RESULTS, st.lists(ITEMS, min_size=1, max_size=12))
@examples(50)
def test_a_random_function_gives_the_results_of_python(prefix, result, items):
    function = function_of(prefix, result)
    fields = tuple(map(column_of, zip(*items, strict=True)))
    assert_as_python(function, Rows(Item, Item._fields, fields))
    assert_as_python(function, column_of(items))
