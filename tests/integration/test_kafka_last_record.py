"""The last record of a partition, which markers of transactions and aborted records follow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from confluent_kafka import Producer

from makiserve.kafka import Connection, OffsetsClient
from makiserve.settings import BrokerSettings

TIMEOUT = timedelta(seconds=20)


@pytest.mark.parametrize(("committed", "aborted"), [(0, 0), (0, 20), (1, 0), (3, 1), (3, 300)])
def test_last_record_is_found_before_what_no_reader_receives(
    kafka: str, topic: Callable[..., str], committed: int, aborted: int
) -> None:
    name = topic(1)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions()
    for count, end in ((committed, producer.commit_transaction), (aborted, producer.abort_transaction)):
        producer.begin_transaction()
        for _ in range(count):
            producer.produce(name, b"")
        producer.flush()
        end()
    lookup = OffsetsClient(Connection(BrokerSettings(kafka, "group")), name)
    end_offset, deadline = committed + bool(committed) + aborted + bool(aborted), time.monotonic() + 20
    while (ends := lookup.watermarks(0, TIMEOUT)).high < end_offset:  # markers are written after the call returns
        assert time.monotonic() < deadline, ends
    assert lookup.end_of_records(0, ends, TIMEOUT) == committed
    lookup.close()
