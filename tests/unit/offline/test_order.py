"""Records out of order are reported if a pipeline works in event time, and only then."""

from __future__ import annotations

from datetime import timedelta

import pytest
import rx

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    time: int
    house: str


def hourly() -> makiserve.Transform:
    return rx.pipe(
        rs.data.roll_time(timedelta(hours=1), timedelta(hours=1), lambda i: i.time, rs.ops.count(reduce=True)),
        rs.ops.map(lambda count: {"count": count}),
    )


def plain() -> makiserve.Transform:
    return rs.ops.filter(lambda i: i.time < 0)


RECORDS = [Reading(time, house) for time, house in [(5, "a"), (3, "b"), (4, "b"), (7, "a"), (6, "a"), (6, "b")]]


@pytest.mark.parametrize(
    ("features", "lane_by", "messages"),
    [
        (
            hourly,
            None,
            ["4 records are older", "the first at records@1: time 3 after 5", "roll_time works in event time"],
        ),
        (hourly, "house", ["1 records are older", "the first at records@4: time 6 after 7"]),
        (plain, None, []),
    ],
)
def test_disorder_is_reported_if_the_pipeline_uses_event_time(
    features: object, lane_by: str | None, messages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    makiserve.features_frame(RECORDS, features=features, record=Reading, lane_by=lane_by)  # type: ignore[arg-type]
    assert len(caplog.messages) == bool(messages)
    for words in messages:
        assert words in caplog.messages[0]
