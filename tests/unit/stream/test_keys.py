"""Keys: NaN is one key in every path, and a key that a state topic could not take fails its record."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.key import KEY_BYTES
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.math.distinct_count import ZERO, add_value, count_values
from tests.loops import loop_over


class Place(NamedTuple):
    name: str
    height: float


def nan() -> float:
    """Return another object for NaN each time, as decoding and arithmetic do."""
    return float("nan")


SAME: dict[str, list[Any]] = {
    "float": [nan(), nan(), nan()],
    "any number": [nan(), np.float64("nan"), np.float32("nan"), Decimal("NaN"), complex("nan")],
    "tuple": [(1, nan()), (1, nan())],
    "nested": [((nan(),), 1), ((nan(),), 1)],
    "named tuple": [Place("x", nan()), Place("x", nan())],
}
TTL: dict[str, Any] = {"ttl": timedelta(seconds=1), "time_mapper": lambda item: 0}
OPERATORS: dict[str, Any] = {
    "group_by": rs.ops.group_by(lambda item: item, [rs.ops.count()]),
    "group_by with ttl": rs.ops.group_by(lambda item: item, [rs.ops.count()], **TTL),
    "nested group_by": rs.data.roll(1000, 1000, rs.ops.group_by(lambda item: item, [rs.ops.count()])),
    "distinct": [rs.ops.distinct(lambda item: Place(*item) if isinstance(item, Place) else item), rs.ops.count()],
}


@loop_over("items", SAME.values(), ids=SAME.keys())
@loop_over("operator", OPERATORS.values(), ids=OPERATORS.keys())
def test_nan_is_one_key_live_and_after_each_checkpoint(operator: Any, items: list[Any]) -> None:
    program = Program(trace(operator), is_tracked=True)
    replayed = program.feed(items * 3, program.new_state()).outputs
    assert len(set(replayed)) == len(replayed)  # one group, or one distinct item

    checkpoints, state = Checkpoints(program), program.new_state()
    live = list(program.feed(items, state).outputs)
    whole = checkpoints.load(checkpoints.dump(state))
    live += program.feed(items, whole).outputs
    joined = Parts(checkpoints).join(Parts(checkpoints).take(whole, is_whole=True))
    live += program.feed(items, joined).outputs
    assert live == replayed


def test_nan_is_written_to_a_checkpoint_once() -> None:
    program = Program(trace(OPERATORS["group_by"]), is_tracked=True)
    parts, state = Parts(Checkpoints(program)), program.new_state()
    program.feed([nan() for _ in range(100)], state)
    (block,) = parts.take(state, is_whole=False)
    assert len(parts.keys(block)) == 1


LARGE: dict[str, Any] = {
    "text": "x" * KEY_BYTES,
    "wide text": "ä" * (KEY_BYTES // 2),
    "bytes": b"x" * KEY_BYTES,
    "in a tuple": (1, "x" * KEY_BYTES),
    "together": ("x" * (KEY_BYTES // 2), "y" * (KEY_BYTES // 2)),
    "integer": 1 << (KEY_BYTES * 4),
    "no UTF-8": "\ud800",
    "unhashable": [],
}


@loop_over("key", LARGE.values(), ids=LARGE.keys())
@loop_over("ttl", [{}, TTL], ids=["kept", "ttl"])
def test_key_that_a_state_topic_cannot_take_fails_its_record_only(key: Any, ttl: dict[str, Any]) -> None:
    program = Program(trace(rs.ops.group_by(lambda item: item, [rs.ops.count()], **ttl)), is_tracked=True)
    parts, state = Parts(Checkpoints(program)), program.new_state()
    fed = program.feed(["a", key, "a", key], state)
    assert fed.outputs == [1, 2]
    assert [index for index, _ in fed.failures] == [1, 3]
    *root, block = parts.take(state, is_whole=False)
    assert (len(root), parts.keys(block)) == (len(ttl) > 0, ["a"])


def test_key_that_fails_does_not_advance_the_time_of_its_groups() -> None:
    grouped = rs.ops.group_by(
        lambda item: item[0], [rs.ops.count()], ttl=timedelta(milliseconds=100), time_mapper=lambda item: item[1]
    )
    program = Program(trace(grouped))
    items: list[Any] = [("a", 0), ([], 1000), ("x" * KEY_BYTES, 1000), ("a", 50)]
    assert program.feed(items, program.new_state()).outputs == [1, 2]


VALUES: list[Any] = [
    10**6000,
    -(10**6000),
    2**64,
    "\ud800",
    ["a", "\udfff", "ä"],
    ("tag", {"\ud800": 1}),
    UUID(int=7),
    Fraction(1, 3),
    Fraction(10**5000, 3),
    *(kind(1) for kind in (np.int8, np.int16, np.uint8, np.uint16, np.uint32, np.uint64, np.float16, np.complex64)),
    np.datetime64("2026-01-01T00:00", "m"),
    np.timedelta64(5, "ns"),
]


@loop_over("value", VALUES, ids=lambda value: type(value).__name__)
def test_value_that_a_pipeline_may_keep_is_the_same_after_a_checkpoint(value: Any) -> None:
    program = Program(trace(rs.data.lag(2)))
    checkpoints, state = Checkpoints(program), program.new_state()
    program.feed([value], state)
    assert all(size.size_bytes for size in checkpoints.sizes(state).values())
    loaded = checkpoints.load(checkpoints.dump(state))
    ((kept, _),) = program.feed(["next"], loaded).outputs
    assert kept == value
    assert type(kept) is type(value)


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
DISTINCT: dict[str, tuple[list[Any], int]] = {
    "decimal and its text": ([Decimal("0.1"), "0.1"], 2),
    "decimals": ([Decimal("0.1"), Decimal("0.10"), Decimal("1e-1")], 1),
    "large decimals": ([Decimal("1e30"), Decimal(10**30), "1e30"], 2),
    "decimal and its float": ([Decimal("0.5"), 0.5, Fraction(1, 2)], 1),
    "fractions": ([Fraction(1, 3), Fraction(2, 6), "1/3"], 2),
    "time and its text": ([NOON.replace(tzinfo=None), "2026-01-01T12:00:00"], 2),
    "one instant": ([NOON, NOON.astimezone(timezone(timedelta(hours=1)))], 1),
    "date and its text": ([date(2026, 1, 1), "2026-01-01"], 2),
    "UUID and its text": ([UUID(int=7), str(UUID(int=7))], 2),
    "long integer": ([10**30, str(10**30), str(10**30).encode(), hex(10**30).encode()], 4),
    "duration and its text": ([timedelta(days=1), "P1D"], 2),
    "type's name in a tuple": ([Decimal("0.1"), ("Decimal", "0.1")], 2),
}


@loop_over(("values", "count"), DISTINCT.values(), ids=DISTINCT.keys())
def test_distinct_count_takes_only_equal_values_for_one(values: list[Any], count: int) -> None:
    partial = ZERO
    for value in values:
        partial = add_value(partial, value)
    assert count_values(partial) == count
