"""A connection broke while the end of the state topic was asked for: the answer was -1001, and the state "deleted"."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from confluent_kafka import TopicPartition

from makiserve.errors import RetryCall
from makiserve.kafka import Connection, OffsetsClient
from makiserve.settings import BrokerSettings


def test_the_end_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = OffsetsClient(Connection(BrokerSettings("127.0.0.1:1", "group")), "in")
    unknown = SimpleNamespace(result=lambda: SimpleNamespace(offset=-1001))
    admin = SimpleNamespace(list_offsets=lambda *given, **named: {TopicPartition("state", 0): unknown})
    monkeypatch.setattr(lookup, "_admin", admin)
    with pytest.raises(RetryCall):
        list(lookup.contents("state", 0, timedelta(seconds=1), bool))
    lookup.close()
