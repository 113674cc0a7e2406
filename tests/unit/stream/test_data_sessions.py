"""`data.split` and `data.time_split`, with values worked by hand and beside RxSci."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rx
import rxsci
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from tests.unit.stream.feed import emitted

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def sessions(module: Any, **parameters: Any) -> Any:
    timeouts = {name: timedelta(seconds=value) for name, value in parameters.items() if name.endswith("timeout")}
    return module.data.time_split(
        lambda i: START + timedelta(seconds=i), **(parameters | timeouts), pipeline=rx.pipe(module.data.to_list())
    )


def in_rxsci(pipeline: Any, items: list[int]) -> list[Any]:
    outputs: list[Any] = []
    rx.from_(items).pipe(rxsci.state.with_memory_store(pipeline)).subscribe(outputs.append)
    return outputs


def test_a_part_is_a_run_of_one_value() -> None:
    runs = rs.data.split(lambda i: i // 10, [rs.data.to_list()])
    assert emitted(runs, [1, 2, 11, 21, 22, 3]) == [[1, 2], [11], [21, 22], [3]]


def test_none_is_a_value_to_split_by() -> None:
    runs = rs.data.split(lambda i: None if i < 10 else i, [rs.ops.count(reduce=True)])
    assert emitted(runs, [1, 2, 11, 3]) == [2, 1, 1]


def test_a_session_ends_by_inactivity_and_by_age() -> None:
    assert emitted(sessions(rs, inactive_timeout=3), [1, 2, 3, 6, 8]) == [[1, 2, 3], [6, 8]]
    assert emitted(sessions(rs, active_timeout=5), [1, 2, 5, 6, 7]) == [[1, 2, 5], [6, 7]]
    assert emitted(sessions(rs, active_timeout=5, inactive_timeout=3), [1, 4, 5, 6]) == [[1], [4, 5, 6]]


def test_a_closing_item_ends_its_session_or_begins_the_next() -> None:
    closes = {"closing_mapper": lambda i: i == 3}
    assert emitted(sessions(rs, **closes), [1, 3, 4]) == [[1, 3], [4]]
    assert emitted(sessions(rs, **closes, include_closing_item=False), [1, 3, 4]) == [[1], [3, 4]]


def test_a_stream_that_ends_on_a_closing_item_ends_with_an_empty_session() -> None:
    closes = {"closing_mapper": lambda i: i == 3}
    assert emitted(sessions(rs, **closes), [1, 3]) == in_rxsci(sessions(rxsci, **closes), [1, 3]) == [[1, 3], []]


def test_a_timeout_wins_over_a_closing_item() -> None:
    assert emitted(sessions(rs, inactive_timeout=3, closing_mapper=lambda i: i == 9), [1, 9, 10]) == [[1], [9, 10]]


def test_sessions_need_a_pipeline() -> None:
    with pytest.raises(PipelineError, match="pipeline"):
        rs.data.time_split(lambda i: i)


@given(
    st.lists(st.integers(0, 60)).map(sorted), st.sampled_from([None, 4, 9]), st.sampled_from([None, 3]), st.booleans()
)
def test_sessions_in_order_are_rxscis(items: list[int], active: Any, inactive: Any, includes: bool) -> None:
    parameters: dict[str, Any] = {"closing_mapper": lambda i: i % 7 == 0, "include_closing_item": includes}
    parameters |= {} if active is None else {"active_timeout": active}
    parameters |= {} if inactive is None else {"inactive_timeout": inactive}
    assert emitted(sessions(rs, **parameters), items) == in_rxsci(sessions(rxsci, **parameters), items)


@given(st.lists(st.integers(0, 9)))
def test_parts_are_rxscis(items: list[int]) -> None:
    make = lambda module: module.data.split(lambda i: i // 4, rx.pipe(module.data.to_list()))  # noqa: E731
    assert emitted(make(rs), items) == in_rxsci(make(rxsci), items)
