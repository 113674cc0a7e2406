"""Outputs in a format with a schema, with a real broker and a real registry, read by Confluent's own deserializers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from sklearn.dummy import DummyClassifier, DummyRegressor

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.kafka import Connection
from makiserve.offline.audit import audit
from makiserve.offline.lake_audit import audit_against_lake
from makiserve.records import Schema
from makiserve.serving.output_format import type_name
from makiserve.settings import AuditSettings, BrokerSettings
from makiserve.testing.broker import RegistryServer
from tests.integration.serving.pipeline import REFERENCE, Step
from tests.integration.serving.registry import Server, log_fitted, outputs_of, watching
from tests.integration.serving.service import Service, read, send

STEPS = [Step(number, float(number % 7)) for number in range(40)]


def as_json(steps: list[Step]) -> list[bytes]:
    return [Schema(Step).encode_json(step) for step in steps]


def read_by_confluent(registry: RegistryServer, output_format: str, topic: str, messages: list[Any]) -> list[Any]:
    client = SchemaRegistryClient({"url": registry.url})
    kind: Any = AvroDeserializer if output_format == "avro" else JSONDeserializer
    deserializer = kind(client) if output_format == "avro" else kind(None, schema_registry_client=client)
    try:
        context = SerializationContext(topic, MessageField.VALUE)
        return [deserializer(message.value(), context) for message in messages]
    finally:
        client.close()


@pytest.mark.parametrize("output_format", ["avro", "json-schema"])
def test_confluent_reads_outputs_before_and_after_a_restart(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    registry: RegistryServer,
    running: PackagedModel,
    running_uri: str,
    output_format: str,
    tmp_path: Path,
) -> None:
    source, output = topic(1), topic(1)
    options = ("--schema-registry", registry.url, "--output-format", output_format, "--emit", "prediction,features")
    code, log = service(running_uri, source, output, *options).wait()
    assert code == 2
    assert f"the subject {output}-value of the schema registry accepts the schema" in log
    send(kafka, source, as_json(STEPS[:20]))
    first = service(running_uri, source, output, *options, "--register-schemas")
    read(kafka, output, enough=20)
    assert first.stop()[0] == 0
    send(kafka, source, as_json(STEPS[20:]))
    second = service(running_uri, source, output, *options)  # the schema is registered now
    (messages,) = read(kafka, output, enough=40).values()
    assert second.stop()[0] == 0
    expected = makiserve.replay(running, STEPS, emit=("prediction", "features"))
    decoded = read_by_confluent(registry, output_format, output, messages)
    assert decoded == [value for _, value in expected.outputs]
    assert {type(value["features"]["number"]) for value in decoded} == {int}
    assert len({message.value()[:5] for message in messages}) == 1
    broker = BrokerSettings(kafka, f"makiserve.{output}", schema_registry=registry.url)
    model = replace(running, emit=("prediction", "features"))
    (audited,) = audit(model, Connection(broker), AuditSettings(source, output, f"{output}.dead-letters"))
    assert (audited.agree, audited.outputs.identical) == (True, 40)
    lake = tmp_path / "steps.jsonl"
    lake.write_bytes(b"\n".join(as_json(STEPS)))
    asked = AuditSettings(source, output, f"{output}.dead-letters", match_by=("number",))
    compared = audit_against_lake(model, Connection(broker), asked, str(lake))
    assert (compared.agree, compared.differences.matched) == (True, 40)


@pytest.mark.parametrize(
    ("output_format", "strategy", "subject"),
    [("avro", "topic-record-name", "{topic}-{record}"), ("json-schema", "record-name", "{record}")],
)
def test_shadow_has_the_output_format_and_subject_strategy(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    registry: RegistryServer,
    running: PackagedModel,
    running_uri: str,
    output_format: str,
    strategy: str,
    subject: str,
) -> None:
    source, output, watched = topic(1), topic(1), topic(1)
    options = ["--schema-registry", registry.url, "--output-format", output_format, "--register-schemas"]
    options += ["--subject-strategy", strategy, "--shadow", "models:/running/1", "--shadow-output", watched]
    send(kafka, source, as_json(STEPS))
    started = service(running_uri, source, output, *options)
    predictions = [value for _, value in makiserve.replay(running, STEPS).outputs]
    for written in (output, watched):
        (messages,) = read(kafka, written, enough=len(STEPS)).values()
        decoded = read_by_confluent(registry, output_format, written, messages)
        assert [value["prediction"] for value in decoded] == predictions
    assert started.stop()[0] == 0
    client = SchemaRegistryClient({"url": registry.url})
    subjects = {subject.format(topic=name, record=type_name(name)) for name in (output, watched)}
    assert subjects <= set(client.get_subjects())
    client.close()


def test_a_version_with_an_incompatible_schema_does_not_serve(
    kafka: str, topic: Callable[..., str], server: Server, registry: RegistryServer
) -> None:
    source, output = topic(1), topic(1)
    rows = [[1.0, 2.0, 3.0, 4.0]] * 4
    log_fitted(DummyRegressor(strategy="constant", constant=1.5).fit(rows, [1.0] * 4), "typed")
    log_fitted(DummyClassifier(strategy="constant", constant="a").fit(rows, ["a", "b", "a", "b"]), "typed")
    log_fitted(DummyRegressor(strategy="constant", constant=2.5).fit(rows, [1.0] * 4), "typed")
    client = SchemaRegistryClient({"url": registry.url})
    client.set_compatibility(f"{output}-value", "BACKWARD")
    server.move("1", "typed")
    options = ["--schema-registry", registry.url, "--output-format", "avro", "--register-schemas"]
    with watching("typed", kafka, source, output, server, options=options) as service_log:
        send(kafka, source, as_json(REFERENCE[:5]))
        outputs_of(kafka, output, "1")
        server.move("2", "typed")
        service_log.wait("models:/typed/2 must not serve: the schema of the outputs is not compatible")
        server.move("3", "typed")
        service_log.wait("models:/typed/1 → models:/typed/3")
        send(kafka, source, as_json(REFERENCE[5:10]))
        outputs_of(kafka, output, "3")
        assert service_log.end() == 0
    (messages,) = read(kafka, output, enough=10).values()
    decoded = read_by_confluent(registry, "avro", output, messages)
    assert decoded == [{"prediction": 1.5}] * 5 + [{"prediction": 2.5}] * 5
    assert len(client.get_versions(f"{output}-value")) == 1
    client.close()
