"""The end of a topic of state was asked for while its leader was elected: the service ended with an internal error."""

from __future__ import annotations

from confluent_kafka import KafkaError

from makiserve.errors import RetryCall
from makiserve.kafka.errors import fault


def test_a_question_that_finds_no_leader_is_asked_again() -> None:
    assert type(fault(KafkaError(KafkaError._NOENT), "Asking for the end of in[1]")) is RetryCall
