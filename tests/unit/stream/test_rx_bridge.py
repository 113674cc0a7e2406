"""Operators of rx itself in a traced pipeline."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import rx
import rx.operators as o

import makiserve.stream as rs
from makiserve.errors import PipelineError, StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.rx_bridge import RxSubscription
from makiserve.stream.engine.trace import Traced, trace

SEVEN = range(1, 8)


def feed(pipeline: Any, items: Any = SEVEN) -> list[Any]:
    program = Program(trace(pipeline))
    return list(program.feed(items, program.new_state()).outputs)


@pytest.mark.parametrize(
    ("pipeline", "outputs"),
    [
        (rx.pipe(rs.math.sum(), o.map(lambda i: i * 2), rs.ops.count()), [1, 2, 3, 4, 5, 6, 7]),
        (rx.pipe(o.skip(1), rs.math.sum()), [2, 5, 9, 14, 20, 27]),
        (rs.ops.group_by(lambda i: i % 2, rx.pipe(o.skip(1), rs.ops.count())), [1, 1, 2, 2, 3]),
        (rs.data.roll(3, 1, rx.pipe(o.scan(lambda a, i: a + i), rs.ops.last())), [6, 9, 12, 15, 18]),
        (rx.pipe(o.filter(lambda i: i > 2), rs.math.sum(), o.pairwise()), [(3, 7), (7, 12), (12, 18), (18, 25)]),
    ],
)
def test_rx_operators_run_once_for_each_scope(pipeline: Any, outputs: list[Any]) -> None:
    assert feed(pipeline) == outputs
    observed: list[Any] = []
    rx.from_(SEVEN).pipe(rs.state.with_memory_store(pipeline)).subscribe(observed.append)
    assert observed[: len(outputs)] == outputs


def test_those_without_state_are_checkpointed_with_the_rest() -> None:
    pipeline = rx.pipe(o.map(lambda i: i + 1), rs.math.sum(), o.filter(lambda i: i % 2))
    program = Program(trace(pipeline))
    assert program.plan.hidden == []
    state = program.new_state()
    first = program.feed([1, 2, 3], state).outputs
    restored = Checkpoints(program).load(Checkpoints(program).dump(state))
    assert [*first, *program.feed([4, 5, 6], restored).outputs] == feed(pipeline, range(1, 7))


def test_those_with_state_are_named_with_what_to_use_instead() -> None:
    plan = trace(rs.ops.group_by(abs, rx.pipe(o.map(abs), o.pairwise())))
    assert plan.hidden == ["rx.operators.pairwise: use rs.ops.pairwise()"]
    program = Program(plan)
    state = program.new_state()
    program.feed([1], state)
    with pytest.raises(StateError, match=r"group_by > rx\.operators\.pairwise"):
        Checkpoints(program).dump(state)


def test_error_in_a_branch_fails_the_record_and_not_the_next() -> None:
    program = Program(trace(rx.pipe(o.map(lambda i: 1 / i), rs.math.sum())))
    fed = program.feed([1, 0, 2], program.new_state())
    assert fed.outputs == [1.0, 1.5]
    assert "rx.operators.map: ZeroDivisionError" in str(fed.failures[0][1])


@pytest.mark.parametrize(
    "pipeline",
    [lambda source: rx.merge(source.pipe(o.map(abs)), source), lambda source: rx.of(1), lambda source: rx.never()],
    ids=["two branches", "another stream", "never"],
)
def test_pipeline_with_another_source_is_refused(pipeline: Any) -> None:
    with pytest.raises(PipelineError, match="tee_map"):
        trace(pipeline)


def test_two_threads_subscribe_each_to_its_own_scope() -> None:
    """Lanes are built on the thread that restores them, while another lane is scored."""
    both = threading.Barrier(2, timeout=60)

    class Operator:
        """Subscribes to its source when both threads are subscribing."""

        def subscribe(self, *observer: Any, **options: Any) -> None:
            both.wait()
            Traced(None).subscribe(*observer, **options)
            both.wait()

    with ThreadPoolExecutor(2) as threads:
        subscriptions = list(threads.map(RxSubscription, [Operator(), Operator()]))
    assert [len(subscription.sources) for subscription in subscriptions] == [1, 1]
    assert [subscription.push(item) for item, subscription in enumerate(subscriptions)] == [[0], [1]]
