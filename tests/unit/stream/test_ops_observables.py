"""Sources, joins, early ends, and waiting for them: what only an Observable has."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rx
from rx.scheduler import NewThreadScheduler
from rx.subject import Subject

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import Traced, trace


def test_run_gives_the_last_item() -> None:
    assert rs.run(rx.of(1, 2)) == 2
    assert rs.run(rx.of(1, None)) is None


def test_run_gives_none_for_an_empty_stream() -> None:
    assert rs.run(rx.empty()) is None


def test_run_raises_what_ended_the_stream() -> None:
    with pytest.raises(ZeroDivisionError):
        rs.run(rx.of(1, 0).pipe(rs.ops.map(lambda i: 1 / i)))
    with pytest.raises(PipelineError, match="symbolic"):
        rs.run(Traced(None))


def test_run_waits_for_a_stream_of_another_thread() -> None:
    threads: set[int] = set()
    source = rs.ops.from_iterable([1, 2], scheduler=NewThreadScheduler())
    assert rs.run(source.pipe(rs.ops.do_action(lambda i: threads.add(threading.get_ident())))) == 2
    assert threading.get_ident() not in threads


def test_run_runs_inside_of_a_run() -> None:
    inner = rs.ops.map(lambda i: rs.run(rs.ops.from_iterable(range(i)).pipe(rs.math.sum(reduce=True))))
    assert rs.run(rs.ops.from_iterable([3, 4]).pipe(inner)) == 6


def test_take_and_first_end_an_endless_source() -> None:
    endless = rx.defer(lambda _: rs.ops.from_iterable(itertools.count())).pipe(rs.ops.map(lambda i: i * 2))
    assert rs.run(endless.pipe(rs.ops.take(4), rs.ops.map(lambda i: i + 1), rs.math.sum(reduce=True))) == 16
    assert rs.run(endless.pipe(rs.ops.filter(bool), rs.ops.first())) == 2
    assert rs.run(rx.never().pipe(rs.ops.take(0), rs.ops.count(reduce=True))) == 0


def test_take_unsubscribes() -> None:
    subject = Subject()
    done: list[bool] = []
    subject.pipe(rs.ops.take(1)).subscribe(on_completed=lambda: done.append(True))
    assert subject.observers
    subject.on_next(1)
    assert done == [True]
    assert not subject.observers


def test_take_in_a_branch_a_group_or_a_store_ends_nothing() -> None:
    branches = rs.ops.tee_map(rs.ops.take(1), rs.ops.count(reduce=True), join="merge")
    assert rs.run(rx.of(5, 6, 7).pipe(branches)) == 3
    groups = rs.ops.group_by(lambda i: i, rs.ops.take(1))
    assert rs.run(rx.of(5, 6, 5, 7).pipe(groups)) == 7
    assert rs.run(rx.of(1, 0).pipe(rs.state.with_memory_store([rs.ops.map(lambda i: i), rs.ops.take(1)]))) == 1


def test_take_and_first_keep_state_after_an_operator_of_rx() -> None:
    plan = trace(rx.pipe(rx.operators.map(abs), rs.ops.take(3), rx.operators.map(abs), rs.ops.first(), rs.ops.count()))
    assert plan.draw().split() == ["rx.operators.map", "take(count=3)", "rx.operators.map", "first", "count"]
    assert plan.hidden == []
    program = Program(plan)
    assert program.feed([-1, -2], program.new_state()).outputs == [1]


def test_a_source_can_be_subscribed_again() -> None:
    source = rs.ops.from_iterable([1, 2, 3]).pipe(rs.ops.count(reduce=True))
    assert [rs.run(source), rs.run(source)] == [3, 3]


def test_a_failing_iteration_ends_the_stream() -> None:
    with pytest.raises(ZeroDivisionError):
        rs.run(rs.ops.from_iterable(1 / i for i in (1, 0)))


@pytest.mark.parametrize("progress", [True, {"prefix": "reading", "interval": 1, "eol": "\n"}])
def test_the_progress_bar_is_on_stderr(progress: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rs.ops.from_pandas(pd.DataFrame({"x": [1, 2]}), progress=progress).pipe(rs.ops.count(reduce=True))
    assert [rs.run(rows), rs.run(rows)] == [2, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err
    assert isinstance(progress, bool) or "reading" in err


def test_an_unknown_setting_of_the_progress_bar_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        rs.run(rs.ops.from_iterable([1], progress={"colour": "red"}))


def test_rows_may_have_their_index() -> None:
    rows = rs.ops.from_pandas(pd.DataFrame({"x": [1]}, index=["a"]), index=True)
    assert tuple(rs.run(rows)) == ("a", 1)


def test_the_source_is_subscribed_when_the_others_have_emitted() -> None:
    first, second, outputs = Subject(), Subject(), list[Any]()
    rx.of(1, 2).pipe(rs.ops.with_latest_from(first, second)).subscribe(outputs.append)
    first.on_next("a")
    first.on_next("b")
    assert outputs == []
    second.on_next("c")
    assert outputs == [(1, "b", "c"), (2, "b", "c")]


def test_every_item_has_the_latest_of_the_others() -> None:
    source, other, outputs, done = Subject(), Subject(), list[Any](), list[int]()
    subscription = source.pipe(rs.ops.with_latest_from(other)).subscribe(
        outputs.append, on_completed=lambda: done.append(1)
    )
    source.on_next("early")  # nobody listens yet
    other.on_next(np.array([1, 2]))
    source.on_next("a")
    other.on_next("x")
    other.on_completed()
    source.on_next("b")
    assert [(item, len(latest)) for item, latest in outputs] == [("a", 2), ("b", 1)]
    subscription.dispose()
    assert not source.observers
    assert done == []


def test_an_error_of_any_source_ends_the_join() -> None:
    errors: list[Exception] = []
    rx.of(1).pipe(rs.ops.with_latest_from(rx.throw(OSError("gone")))).subscribe(on_error=errors.append)
    assert [str(error) for error in errors] == ["gone"]
