"""Operators that do something beside the stream."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def test_actions_see_items_errors_and_the_end() -> None:
    calls: list[Any] = []

    def say(word: str) -> Any:
        return lambda *item: calls.append((word, *item))

    watched = rs.ops.do_action(say("next"), say("error"), say("completed"), say("create"))
    rx.of(1, 2).pipe(watched).subscribe()
    assert calls == [("create",), ("next", 1), ("next", 2), ("completed",)]
    calls.clear()
    failure = OSError("gone")
    rx.concat(rx.of(1), rx.throw(failure)).pipe(rs.ops.map(abs), watched).subscribe(on_error=say("ended"))
    assert calls == [("create",), ("next", 1), ("error", failure), ("ended", failure)]
    calls.clear()
    rx.of(1, "x").pipe(rs.ops.map(abs), watched).subscribe(on_error=say("ended"))
    assert [entry[0] for entry in calls] == ["create", "next", "error", "ended"]


def test_actions_of_a_lane_see_the_errors_before_them_and_errors_go_on() -> None:
    calls: list[str] = []
    watched = rs.ops.do_action(on_error=lambda error: calls.append(type(error).__name__))
    program = Program(trace(rx.pipe(rs.ops.map(abs), watched, rs.ops.map(lambda i: 1 / i))))
    fed = program.feed([1, "x", 0], program.new_state())
    assert calls == ["TypeError"]
    assert [(index, error.operator, error.item) for index, error in fed.failures] == [(1, "map", "x"), (2, "map", 0)]
    handled = rx.of(1, "x", 3).pipe(rs.ops.map(abs), watched, rs.error.ignore(), rs.math.sum(reduce=True))
    assert rs.run(handled) == 4
    assert calls == ["TypeError", "TypeError"]


def test_actions_see_every_window_begin_and_end() -> None:
    calls: list[str] = []
    watched = rs.ops.do_action(on_create=lambda: calls.append("("), on_completed=lambda: calls.append(")"))
    rs.run(rx.of(1, 2, 3, 4).pipe(rs.data.roll(2, 2, watched)))
    assert "".join(calls) == "()()"


def test_action_runs_at_every_subscription() -> None:
    calls: list[str] = []
    source = rx.of(1).pipe(rs.ops.on_subscribe(lambda: calls.append("subscribed")))
    assert [rs.run(source), rs.run(source)] == [1, 1]
    assert calls == ["subscribed", "subscribed"]


def test_throughput_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "makiserve"):
        rs.run(rx.of(1, 2, 3).pipe(rs.ops.progress("read", 2)))
    (message,) = caplog.messages
    assert message.startswith("read: 2 items (")
    assert message.endswith(" per second)")
