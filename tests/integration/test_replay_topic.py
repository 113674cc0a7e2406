"""A replay of an offset range on a real broker has the same records as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
import rx
from pyarrow import parquet

import makiserve
import makiserve.stream as rs
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection, TransactionalProducer
from makiserve.settings import BrokerSettings

Topic = Callable[..., str]
SOON = timedelta(seconds=30)
FIRST_MS = 1_700_000_000_000


class Reading(makiserve.Record):
    number: int
    house: str
    power: float | None = None


class Features(NamedTuple):
    number: int
    mean: float


def features() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.filter(lambda i: i.power is not None),
        rs.data.roll(3, stride=1, pipeline=rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda i: i.power, reduce=True))),
        rs.ops.map(lambda i: Features(i[0].number, i[1])),
    )


ROWS = [{"number": n, "house": "ab"[n % 2], "power": n**1.5 if n % 5 else None} for n in range(40)]


@pytest.fixture
def filled(kafka: str, topic: Topic) -> str:
    """The rows on partition 1, one a second, four to a transaction; aborted ones between, an open one at the end."""
    name = topic(2)
    producer = TransactionalProducer(Connection(BrokerSettings(kafka, name)))
    producer.init(SOON)
    for start in range(0, len(ROWS), 4):
        for row in ROWS[start : start + 4]:
            produce(producer, name, row)
        producer.flush(SOON)
        producer.commit()
        produce(producer, name, {"number": -1, "house": "aborted", "power": 1e9})
        producer.flush(SOON)
        producer.abort()
    produce(producer, name, {"number": -2, "house": "open", "power": 1e9})
    producer.flush(SOON)
    return name


def produce(producer: TransactionalProducer, topic: str, row: dict[str, object]) -> None:
    number = int(str(row["number"]))
    producer.produce(topic, 1, str(row["house"]).encode(), json.dumps(row).encode(), None, FIRST_MS + number * 1000)


def test_topic_replay_equals_every_file_format(kafka: str, filled: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet", row_group_size=7)
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    frames = [makiserve.features_frame(path, features=features, record=Reading) for path in sorted(tmp_path.iterdir())]
    frames.append(makiserve.features_frame(makiserve.TopicSpan(filled, kafka), features=features, record=Reading))
    assert len(frames[0]) == 30
    for frame in frames:
        assert frame.to_dict("list") == frames[0].to_dict("list")


@pytest.mark.parametrize(
    ("start", "end", "numbers"),
    [
        (datetime.fromtimestamp(FIRST_MS / 1000 + 10, timezone.utc), "latest", range(10, 40)),
        ("2023-11-14T22:13:30Z", "2023-11-14T22:13:40Z", range(10, 20)),
        ("14d", "latest", range(0)),
        (6, 18, range(4, 12)),
    ],
)
def test_offset_range_is_replayed_exactly(kafka: str, filled: str, start: object, end: object, numbers: range) -> None:
    span = makiserve.TopicSpan(filled, kafka, start, end)  # type: ignore[arg-type]
    frame = makiserve.features_frame(span, features=lambda: rs.ops.map(lambda i: i), record=Reading)
    assert [*frame.get("number", ())] == list(numbers)


def test_replay_from_a_removed_offset_is_refused(kafka: str, filled: str, admin: object) -> None:
    from confluent_kafka import TopicPartition

    admin.delete_records([TopicPartition(filled, 1, 8)])[TopicPartition(filled, 1, 8)].result()  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match=r"\[1\]@6 was removed .* first record is now at offset 8"):
        makiserve.TopicSpan(filled, kafka, 6).sources()
    with pytest.raises(ConfigurationError, match=r"Topic .* does not exist"):
        makiserve.TopicSpan("no-such-topic", kafka).sources()
