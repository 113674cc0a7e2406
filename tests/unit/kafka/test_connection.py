"""The settings that clients get."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from makiserve.errors import ConfigurationError
from makiserve.kafka import connection as module
from makiserve.kafka.connection import OWN, Connection, report
from makiserve.settings import BrokerSettings
from tests.loops import loop_over


def connection(instance: str = "", **options: str) -> Connection:
    named = {name.replace("_", "."): value for name, value in options.items()}
    return Connection(BrokerSettings("broker:9092", "group", instance, named))


@loop_over("name", OWN)
def test_properties_required_for_exactly_once_cannot_be_set(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Connection(BrokerSettings("broker:9092", "group", options={name: "x"}))


def test_an_option_overrides_our_choice_in_every_client() -> None:
    tuned = connection(linger_ms="50", security_protocol="SSL")
    assert tuned.producer_settings()["linger.ms"] == "50"
    for settings in (tuned.consumer_settings(), tuned.producer_settings(), tuned.admin_settings()):
        assert settings["security.protocol"] == "SSL"


def test_named_instance_keeps_membership_and_transactions() -> None:
    first, second = connection("pod-0"), connection("pod-0")
    assert first.consumer_settings()["group.instance.id"] == "pod-0"
    assert first.transactional_id == second.transactional_id == "group-pod-0"


def test_an_instance_without_a_name_has_a_transactional_id_that_no_other_has() -> None:
    first, second = connection(), connection()
    assert "group.instance.id" not in first.consumer_settings()
    assert first.transactional_id == first.transactional_id != second.transactional_id


def test_an_outage_is_a_warning_and_refused_credentials_are_an_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_reported_s", {})
    caplog.set_level(logging.INFO)
    for code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION):
        report(KafkaError(code))
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_an_outage_that_every_client_reports_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_reported_s", {})
    for _ in range(50):
        report(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert len(caplog.records) == 1


@loop_over(
    ("options", "timeout_ms"),
    [
        ({}, 15_000),
        ({"session.timeout.ms": "60000"}, 15_000),
        ({"session.timeout.ms": "12000"}, 12_000),
        ({"session.timeout.ms": "6000"}, 10_000),
        ({"session.timeout.ms": "soon"}, 15_000),
        ({"session.timeout.ms": "6000", "transaction.timeout.ms": "4000"}, "4000"),
    ],
)
def test_a_shorter_session_comes_with_a_shorter_transaction(options: dict[str, str], timeout_ms: int | str) -> None:
    settings = Connection(BrokerSettings("broker:9092", "group", options=options)).producer_settings()
    assert settings["transaction.timeout.ms"] == timeout_ms
