"""The columnar engine gives what the row engine gives, for every operator that has a columnar form, in every place."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import explain, program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.cases import CASES, NUMBERS, each_pipeline

BATCHES = (1, 3, len(NUMBERS))
NEVER_SMALL = SmallBatches(records=0)
SMALL = (NEVER_SMALL, SmallBatches(records=3, pending=4, groups=2))


def in_columns(make: Any, *, is_tracked: bool = False, small: SmallBatches = NEVER_SMALL) -> ColumnProgram | None:
    """The columnar program of a pipeline; None if it has none."""
    program = program_for(trace(make()), is_tracked=is_tracked)
    if not isinstance(program, ColumnProgram):
        return None
    return ColumnProgram(program.plan, program.compiled, program.rows, small, program.keeping)


def comparable(fed: FeedResult) -> Any:
    return repr(fed.outputs), fed.causes, [(index, str(error), error.operator) for index, error in fed.failures]


@each_pipeline
def test_both_engines_give_the_same(make: Any) -> None:
    for small in SMALL:
        columns = in_columns(make, small=small)
        if columns is None:
            return
        rows = Program(trace(make()))
        for size in BATCHES:
            state, other = columns.new_state(), rows.new_state()
            for start in range(0, len(NUMBERS), size):
                batch = NUMBERS[start : start + size]
                assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
            assert not state.is_foreign
            assert repr(columns.complete(state)) == repr(rows.complete(other))


@pytest.mark.slow
@each_pipeline
def test_small_and_large_batches_in_turn_change_nothing(make: Any) -> None:
    columns, rows = in_columns(make, small=SmallBatches(records=2, pending=5, groups=3)), Program(trace(make()))
    if columns is None:
        return
    state, other = columns.new_state(), rows.new_state()
    start = 0
    for size in (1, 2, 5, 2, 1, 2, 2, 9, 1, len(NUMBERS)):
        batch = NUMBERS[start : start + size]
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
        start += size
    assert repr(columns.complete(state)) == repr(rows.complete(other))


@pytest.mark.slow
@each_pipeline
def test_a_checkpoint_anywhere_changes_nothing(make: Any) -> None:
    columns, again = in_columns(make), in_columns(make)
    if columns is None or again is None:
        return
    whole = columns.new_state()
    expected = columns.feed(NUMBERS, whole)
    checkpoints, others = ColumnCheckpoints(columns), ColumnCheckpoints(again)
    end = checkpoints.dump(whole)
    for cut in range(len(NUMBERS) + 1):
        state = columns.new_state()
        head = columns.feed(NUMBERS[:cut], state)
        restored = others.load(checkpoints.dump(state))
        tail = again.feed(NUMBERS[cut:], restored)
        assert repr([*head.outputs, *tail.outputs]) == repr(expected.outputs)
        assert others.dump(restored) == end


@pytest.mark.slow
@each_pipeline
def test_a_state_taken_apart_at_every_record_is_the_state(make: Any) -> None:
    for small in SMALL:
        check_parts(make, small)


def check_parts(make: Any, small: SmallBatches) -> None:
    columns = in_columns(make, is_tracked=True, small=small)
    if columns is None:
        return
    checkpoints, saved = ColumnCheckpoints(columns), list[bytes]()
    state, outputs = columns.new_state(), list[Any]()
    for index, number in enumerate(NUMBERS):
        outputs += columns.feed([number], state).outputs
        saved += checkpoints.take(state, is_whole=index == 0)
        state = checkpoints.join(saved)
    assert repr(outputs) == repr(columns.feed(NUMBERS, columns.new_state()).outputs)


@pytest.mark.slow
@each_pipeline
def test_a_failing_record_leaves_no_trace(make: Any) -> None:
    for place in ("before", "after"):
        for small in SMALL:
            check_failures(make, place, small)


def check_failures(make: Any, place: str, small: SmallBatches) -> None:
    def fragile(item: Any) -> Any:
        if hash(repr(item)) % 3 == 0:
            raise ZeroDivisionError(f"not {item!r}")
        return item

    def pipeline() -> Any:
        return rx.pipe(rs.ops.map(fragile), make()) if place == "before" else rx.pipe(make(), rs.ops.map(fragile))

    columns = in_columns(pipeline, small=small)
    if columns is None:
        return
    rows = Program(trace(pipeline()))
    for size in BATCHES:
        state, other = columns.new_state(), rows.new_state()
        for start in range(0, len(NUMBERS), size):
            batch = NUMBERS[start : start + size]
            assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))


@loop_over("seed", range(300))
def test_a_damaged_checkpoint_raises_a_state_error_or_is_whole(seed: int) -> None:
    draw = random.Random(seed)
    checkpoints, whole, blocks = damaged_checkpoints()
    with suppress(StateError):  # and nothing else; a change may also leave a checkpoint that is whole
        if seed % 2:
            checkpoints.load(damaged(whole, draw))
        else:
            at = draw.randrange(len(blocks))
            checkpoints.join([*blocks[:at], damaged(blocks[at], draw), *blocks[at + 1 :]])


@cache
def damaged_checkpoints() -> tuple[ColumnCheckpoints, bytes, list[bytes]]:
    """The checkpoint of a state in columns, with a group that has moved to the row engine; whole, and in blocks."""
    means = rs.ops.tee_map(rs.math.mean(reduce=True), rs.ops.last())
    texts = rs.math.max(str, reduce=True)
    trailing = rs.data.roll_trailing(
        "9ms", lambda i: i, rs.ops.tee_map(rs.math.max(str, reduce=True), rs.math.sum(reduce=True))
    )
    windows = rs.ops.tee_map(rs.data.roll(4, 1, means), rs.data.roll(4, 1, texts), trailing, join="merge")
    program = in_columns(lambda: rs.ops.group_by(lambda i: i % 5, windows), is_tracked=True)
    assert program
    state = program.new_state()
    program.feed([*range(60), 2**70], state)
    checkpoints = ColumnCheckpoints(program)
    whole = checkpoints.dump(state)
    return checkpoints, whole, list(checkpoints.take(state, is_whole=True))


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Content with some bytes changed, removed or added."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at, kind = draw.randrange(len(changed) + 1), draw.random()
        changed[at : at + (kind < 0.7) * draw.randint(1, 3)] = draw.randbytes(draw.randint(0, 3) if kind > 0.3 else 0)
    return bytes(changed)


IN_COLUMNS = {
    "data": [
        *("as_of", "clip", "delta", "fill_none", "forward_fill", "head", "lag", "roll", "roll_calendar", "roll_time"),
        *("roll_trailing", "tail", "window_start"),
    ],
    "math": [
        *("argmax", "argmin", "covariance", "distinct_count", "ewm_mean", "max", "mean", "min", "quantile", "rate"),
        *("skew", "stddev", "sum", "top_k"),
    ],
    "ops": [
        *("count", "distinct", "distinct_until_changed", "filter", "first", "flat_map", "group_by", "identity", "last"),
        *("map", "pairwise", "scan", "starmap", "take", "tee_map"),
    ],
}


@loop_over("name", [f"{module}.{name}" for module, names in IN_COLUMNS.items() for name in names])
def test_these_operators_have_a_columnar_form(name: str) -> None:
    """Without it the tests above would pass for want of a columnar program."""
    assert in_columns(CASES[name][0])
    assert in_columns(lambda: rs.ops.group_by(lambda i: i % 2, CASES[name][0]())) or name == "ops.group_by"


def test_operator_without_a_columnar_form_needs_the_row_engine() -> None:
    assert in_columns(rs.data.to_list) is None
    assert explain(trace(rs.data.to_list())).rows_because == "to_list has no columnar form"


def test_every_case_of_these_operators_has_a_columnar_form() -> None:
    """Nested groups, groups with a ttl, every join, and windows with gaps or with their first item."""
    for name in (
        "math.ewm_mean",
        "math.ewm_stddev",
        "ops.take",
        "ops.distinct",
        "ops.scan",
        "ops.flat_map",
    ):
        assert all(map(in_columns, CASES[name])), name
    for make in CASES["ops.group_by"]:
        assert in_columns(make) or "complete when they are idle" in str(explain(trace(make())).rows_because)
    for index in (0, 1, 6, 7, 8):
        assert in_columns(CASES["ops.tee_map"][index])
    for index in (0, 1, 2):
        assert in_columns(CASES["data.roll"][index])
    for name, indexes in {
        "data.roll_trailing": (0, 1, 2, 6),
        "data.roll_time": (0, 1, 4),
        "data.roll_calendar": (0, 2),
        "data.window_start": (0, 3),
    }.items():
        assert all(in_columns(CASES[name][index]) for index in indexes), name


BIG = 2**70


@pytest.mark.parametrize(
    "pipeline",
    [
        lambda: rs.ops.tee_map(rs.ops.map(lambda i: i), rs.ops.group_by(lambda i: i % 3, [rs.math.sum()])),
        lambda: rx.pipe(
            rs.ops.map(lambda i: [i, i % 7]), rs.ops.flat_map(), rs.ops.group_by(lambda i: i % 3, [rs.math.sum()])
        ),
        lambda: rs.ops.group_by(lambda i: i % 3, [rs.ops.group_by(lambda i: i % 2, [rs.math.sum()])]),
    ],
)
def test_a_record_of_a_group_that_has_moved_is_processed_once(pipeline: Any) -> None:
    columns, rows = in_columns(pipeline), Program(trace(pipeline()))
    assert columns
    state, other = columns.new_state(), rows.new_state()
    for batch in (NUMBERS, [BIG, *NUMBERS], NUMBERS):
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))


def _refused(item: int) -> int:
    if item == BIG + 5:
        raise ValueError(item)
    return item


@loop_over("cut", range(6))
def test_groups_that_move_keep_the_order_of_their_first_records(cut: int) -> None:
    def pipeline() -> Any:
        return rs.ops.group_by(lambda i: i % 8, [rs.ops.map(_refused), rs.math.sum(reduce=True)])

    columns, rows = in_columns(pipeline), Program(trace(pipeline()))
    assert columns
    state, other = columns.new_state(), rows.new_state()
    items = [3, 1, BIG + 2, BIG + 5, 6, BIG, 1, 4]
    for batch in (items[:cut], items[cut:]):
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
    assert repr(columns.complete(state)) == repr(rows.complete(other))


def _small(item: int) -> int:
    return item if item < 10 else int("x")


@pytest.mark.parametrize(
    ("fails_by_earlier", "before"),
    [
        (lambda: rx.pipe(rs.data.lag(1), rs.ops.map(lambda pair: 1 // (pair[0] % 3))), []),
        (lambda: rs.ops.group_by(lambda i: 0, [rs.data.lag(1), rs.ops.map(lambda pair: 1 // (pair[0] % 3))]), []),
        (lambda: rs.ops.scan(lambda kept, item: item + 0 // (kept % 2 + item % 3), 4), []),
        (lambda: rs.math.max({4: (1, "a"), 11: (2, "b"), 12: (1, 3)}.__getitem__), [4]),
    ],
    ids=["lag", "group_by", "scan", "max"],
)
def test_first_error_of_an_item_is_that_after_failed_items_are_removed(
    fails_by_earlier: Any, before: list[int]
) -> None:
    """The sum fails on 11 and 12. Without 11, the first branch fails on 12."""

    def pipeline() -> Any:
        return rs.ops.tee_map(fails_by_earlier(), rs.math.sum(_small))

    columns, rows = in_columns(pipeline), Program(trace(pipeline()))
    assert columns
    fed = comparable(columns.feed([*before, 11, 12], columns.new_state()))
    assert fed == comparable(rows.feed([*before, 11, 12], rows.new_state()))
    assert [operator.startswith("tee_map[0]") for _, _, operator in fed[2]] == [False, True]
