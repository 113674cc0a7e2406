"""Rx's contract over every operator: errors, completion, disposal, re-entrant subjects, what a subscriber raises."""

from __future__ import annotations

from typing import Any

import pytest
import rx
from rx import operators
from rx.disposable import Disposable
from rx.subject import Subject

import makiserve.stream as rs
from tests.loops import loop_over
from tests.unit.stream.cases import CASES, NUMBERS

MAKES = {f"{name}#{number}": make for name, makes in CASES.items() for number, make in enumerate(makes)} | {
    "ops.with_latest_from#0": lambda: rs.ops.with_latest_from(rx.of("a")),
    "ops.with_latest_from#1": lambda: rs.ops.with_latest_from(rx.never()),
    "ops.on_subscribe#0": lambda: rs.ops.on_subscribe(lambda: None),
    "data.train_test_split#0": lambda: lambda source: rx.merge(*rs.data.train_test_split(0.5)(source)),
}
each_case = loop_over("make", MAKES.values(), ids=MAKES)


class Log(list[Any]):
    """Notifications in order: items, then `|` or the error."""

    def subscribe(self, stream: rx.Observable) -> Any:
        return stream.subscribe(self.append, self.append, lambda: self.append("|"))

    @property
    def ends(self) -> list[Any]:
        return [entry for entry in self if entry == "|" or isinstance(entry, LostError)]


class LostError(Exception):
    pass


def completes_early(log: Log, make: Any) -> bool:
    return log.ends == ["|"] and any(name in make.__code__.co_names for name in ("take", "first"))


@each_case
def test_the_error_of_the_source_comes_once_and_last(make: Any) -> None:
    for count in (0, 5):
        log, source, error = Log(), Subject(), LostError("lost")
        log.subscribe(source.pipe(make()))
        for number in NUMBERS[:count]:
            source.on_next(number)
        source.on_error(error)
        source.on_next(1)
        source.on_completed()
        if not completes_early(log, make):
            assert log.ends == [error]
        assert log.ends == log[-1:]


@each_case
def test_completion_comes_once_and_last(make: Any) -> None:
    for count in (0, 5):
        log, source = Log(), Subject()
        log.subscribe(source.pipe(make()))
        for number in NUMBERS[:count]:
            source.on_next(number)
        source.on_completed()
        source.on_next(1)
        source.on_error(LostError("late"))
        assert log.ends == ["|"] == log[-1:]


@each_case
def test_disposal_disposes_of_the_source_and_nothing_follows(make: Any) -> None:
    log, observers, disposed = Log(), list[Any](), list[bool]()

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        observers.append(observer)
        return Disposable(lambda: disposed.append(True))

    subscription = log.subscribe(rx.create(subscribe).pipe(make()))
    if not observers:  # a join that waits for the others
        return
    for number in NUMBERS[:3]:
        observers[0].on_next(number)
    subscription.dispose()
    before = list(log)
    assert disposed == [True]
    for number in NUMBERS:
        observers[0].on_next(number)
    observers[0].on_completed()
    assert log == before


@each_case
def test_disposal_by_the_subscriber_is_at_once(make: Any) -> None:
    source, outputs = Subject(), list[Any]()

    def on_next(item: Any) -> None:
        outputs.append(item)
        subscription.dispose()

    subscription = source.pipe(make()).subscribe(on_next)
    for number in NUMBERS:
        source.on_next(number)
    source.on_completed()
    assert len(outputs) <= 1


@each_case
def test_subject_fed_by_its_subscriber_gives_what_a_list_gives(make: Any) -> None:
    """A re-entrant item goes through the operators after the one that caused it, when that has changed the state."""
    source, outputs, rest = Subject(), list[Any](), list(NUMBERS)

    def on_next(item: Any) -> None:
        outputs.append(item)
        if rest:
            source.on_next(rest.pop(0))

    source.pipe(make()).subscribe(on_next)
    while rest:
        source.on_next(rest.pop(0))
    source.on_completed()
    expected: list[Any] = []
    rx.from_(NUMBERS).pipe(make()).subscribe(expected.append)
    assert outputs == expected


@each_case
def test_subscriber_error_reaches_the_source_and_is_not_retried(make: Any) -> None:
    calls: list[Any] = []

    def on_next(item: Any) -> None:
        calls.append(item)
        raise LostError("the subscriber's")

    source, raised = Subject(), False
    source.pipe(make(), operators.retry(3)).subscribe(on_next, lambda error: calls.append("on_error"))
    try:
        for number in NUMBERS:
            source.on_next(number)
        source.on_completed()
    except LostError:
        raised = True
    assert len(calls) == raised
    assert "on_error" not in calls


def test_subscriber_error_passes_operators_that_handle_errors() -> None:
    calls: list[Any] = []

    def on_next(item: Any) -> None:
        calls.append(item)
        raise LostError("the subscriber's")

    handled = rx.pipe(rs.ops.map(lambda i: i), operators.map(lambda i: i), rs.ops.count(), rs.error.ignore())
    source = Subject()
    source.pipe(handled, rs.error.map(lambda error: 0)).subscribe(on_next)
    with pytest.raises(LostError):
        source.on_next(3)
    assert calls == [1]


SHARED = ("error.create_error_router#0", "data.train_test_split#0")
"""What hands out streams that end with their first subscription."""


@loop_over(("name", "make"), [case for case in MAKES.items() if case[0] not in SHARED])
def test_each_subscription_has_its_own_state(name: str, make: Any) -> None:
    stream = rx.from_(NUMBERS).pipe(make())
    first, second = Log(), Log()
    first.subscribe(stream)
    second.subscribe(stream)
    assert first == second


DERIVED: dict[str, Any] = {
    "a subject": lambda subject: subject,
    "rx": lambda subject: subject.pipe(operators.map(str)),
    "both": lambda subject: subject.pipe(rs.ops.map(str), operators.skip(0)),
}


@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED)
def test_a_late_source_is_joined_as_its_items_come(derive: Any) -> None:
    source, other, log, error = Subject(), Subject(), Log(), LostError("lost")
    log.subscribe(derive(source).pipe(rs.ops.with_latest_from(other)))
    source.on_next("early")
    other.on_next("a")
    source.on_next("x")
    other.on_completed()
    source.on_next("y")
    source.on_error(error)
    assert log == [("x", "a"), ("y", "a"), error]


@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED)
def test_a_source_that_ends_before_the_others_emit_ends_the_join(derive: Any) -> None:
    error = LostError("lost")
    for expected in (error, "|"):
        source, log = Subject(), Log()
        log.subscribe(derive(source).pipe(rs.ops.with_latest_from(rx.never())))
        source.on_completed() if expected == "|" else source.on_error(error)
        assert log == [expected]
