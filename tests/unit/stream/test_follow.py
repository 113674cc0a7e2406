"""One item's way through a pipeline."""

from __future__ import annotations

from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.follow import Follower
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def keyed() -> Any:
    return rx.pipe(
        rs.ops.map(lambda i: i if i != 13 else 1 / 0),
        rs.ops.group_by(lambda i: i % 2, rx.pipe(rs.ops.map(lambda i: i * 10), rs.math.sum())),
        rs.ops.filter(lambda i: i != 30),
    )


def followed(pipeline: Any, *items: Any) -> Any:
    follower = Follower(trace(pipeline))
    state = follower.new_state()
    follower.pass_by(items[:-1], state)
    return follower.follow(items[-1], state)


def test_each_operator_shows_what_came_to_it_and_each_pipeline_what_left() -> None:
    outcome = followed(keyed(), 1, 2, 3)
    assert [(step.depth, step.place, step.item, step.is_end) for step in outcome.steps] == [
        (0, "map", 3, False),
        (0, "group_by", 3, False),
        (1, "group_by > map", 3, False),
        (1, "group_by > sum", 30, False),
        (1, "group_by", 40, True),
        (0, "filter", 40, False),
        (0, "", 40, True),
    ]
    assert outcome.outputs == [40]
    assert outcome.error is None


def test_changed_state_is_shown_by_operator_and_group() -> None:
    outcome = followed(keyed(), 1, 2, 3)
    assert [change.scope for change in outcome.changes] == [("1",)]
    (change,) = outcome.changes
    assert change.place == "group_by > sum"
    assert "10" in change.before
    assert "40" in change.after


def test_a_new_group_has_no_state_before() -> None:
    assert [change.before for change in followed(keyed(), 1, 2).changes] == [None]


def test_an_item_that_ends_on_the_way_leaves_nothing() -> None:
    outcome = followed(keyed(), 3)
    assert outcome.outputs == []
    assert outcome.steps[-1].place == "filter"


def test_an_item_that_fails_shows_how_far_it_came_and_changes_nothing() -> None:
    outcome = followed(keyed(), 1, 13)
    assert [step.place for step in outcome.steps] == ["map"]
    assert outcome.changes == []
    assert "ZeroDivisionError" in str(outcome.error)


@pytest.mark.parametrize(
    "pipeline",
    [
        rs.data.roll(6, 2, rs.ops.tee_map(rs.ops.last(), rs.math.mean(reduce=True), rs.math.stddev(reduce=True))),
        rs.data.roll(6, 2, rx.pipe(rs.ops.map(lambda i: i / 3), rs.math.variance(reduce=True))),
        rs.data.roll(4, 1, rx.pipe(rs.ops.distinct_until_changed(), rs.math.sum(reduce=True))),
        rs.ops.group_by(lambda i: i % 3, rs.data.roll(2, 1, rs.math.max(reduce=True))),
        rs.ops.tee_map(rs.ops.map(lambda i: i), rs.math.mean(), join="combine_latest"),
    ],
)
def test_a_followed_pipeline_gives_the_same_outputs(pipeline: Any) -> None:
    plan, items = trace(pipeline), [(n * 7919) % 101 / 7 for n in range(60)]
    program, follower = Program(plan), Follower(trace(pipeline))
    state = follower.new_state()
    outputs = [output for item in items for output in follower.follow(item, state).outputs]
    assert outputs == program.feed(items, program.new_state()).outputs
    assert len(outputs) > 10
