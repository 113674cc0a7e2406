"""The checks of records: what outputs would meet in their topic, fields that never occur, and warm-up files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rx
from confluent_kafka import Message

import makiserve
import makiserve.stream as rs
from makiserve.errors import ConfigurationError
from makiserve.kafka.topic_inspector import Topic
from makiserve.serving.preflight import CHECKS
from makiserve.serving.preflight.input_records import fit, outputs, warm_up
from makiserve.serving.preflight.model import record_schema
from makiserve.serving.preflight.runner import Finding, ServiceFacts
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.engine.trace import trace
from tests.unit.records.registry.fake import fake_registry
from tests.unit.serving.fakes import packaged


class House(makiserve.Record):
    number: int
    place: str = makiserve.field(name="house name", default="")
    temperature: float | None = None


class Total(NamedTuple):
    total: float


KEYED = rs.ops.group_by(lambda house: house.place, [rs.math.sum(lambda house: house.number), rs.ops.map(Total)])
WHOLE = rx.pipe(rs.math.sum(lambda house: house.number), rs.ops.map(Total))


def message(value: bytes = b'{"number": 1}', **more: Any) -> Message:
    return Message(topic="in", partition=0, offset=5, value=value, **{"key": b"k", "timestamp": (1, now_ms())} | more)


def now_ms() -> int:
    return int(time.time() * 1000)


def facts(
    sample: list[Message],
    pipeline: Any = KEYED,
    partitions: int = 1,
    settings: dict[str, str] | None = None,
    **options: Any,
) -> ServiceFacts:
    model = packaged(trace(pipeline))
    object.__setattr__(model, "record", House)
    topics = {name: Topic(name, partitions, 1, settings or {}, frozenset({"READ", "WRITE"})) for name in ("in", "out")}
    service_facts = ServiceFacts(
        lambda: model, BrokerSettings("b", "g"), ServeSettings("in", "out", "dead", **options), dict(topics)
    )
    service_facts.__dict__["sample"] = sample
    return service_facts


def test_each_check_needs_earlier_ones_only() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(names.index(need) < at for at, check in enumerate(CHECKS) for need in check.needs)


def test_outputs_that_fit_need_no_advice() -> None:
    assert outputs(facts([message()])) == Finding("out accepts messages of up to 1,048,588 bytes")


DEAD = "1 of the last records would become dead letters"
REFUSED = "1 of the last records have a timestamp that the topic refuses"


@pytest.mark.parametrize(
    ("settings", "bad", "words"),
    [
        ({"max.message.bytes": "1000"}, {"key": b"x" * 1000}, DEAD),
        ({"max.message.bytes": "1000"}, {"headers": [("h", b"x" * 1000)]}, DEAD),
        ({"cleanup.policy": "compact"}, {"key": None}, DEAD),
        ({}, {"timestamp": (1, 2**62)}, REFUSED),
        ({"message.timestamp.before.max.ms": "60000"}, {"timestamp": (1, 1)}, REFUSED),
    ],
)
def test_outputs_that_their_topic_would_refuse_are_foreseen(
    settings: dict[str, str], bad: dict[str, Any], words: str
) -> None:
    finding = outputs(facts([message(), message(**bad), message()], settings=settings))
    assert words in finding.advice
    assert outputs(facts([message(), message()], settings=settings)).advice == ""


def test_record_time_is_accepted_by_a_topic_that_writes_its_own() -> None:
    settings = {"message.timestamp.type": "LogAppendTime"}
    assert outputs(facts([message(timestamp=(1, 2**62))], settings=settings)).advice == ""


def test_topic_that_needs_a_key_is_described() -> None:
    assert outputs(facts([message()], settings={"cleanup.policy": "compact"})).words.endswith(", only with a key")


def test_optional_fields_that_no_record_has_are_named_as_in_the_data() -> None:
    assert fit(facts([message(), message()])).advice == (
        "none contains the optional field 'house name', 'temperature', which keeps its default: compare its name with "
        "the data"
    )
    seen = message(b'{"number": 1, "temperature": null}')
    assert "'house name', which" in fit(facts([message(), seen])).advice
    assert fit(facts([seen, message(b'{"number": 1, "house name": "x"}')])).advice == ""


def test_records_that_do_not_fit_are_counted() -> None:
    finding = fit(facts([message(b"{"), message(b'{"number": 1, "house name": "x", "temperature": 1}')]))
    assert finding.words == "1 of the last 2 records fit House"
    assert finding.advice.startswith("1 would become dead letters; the last error: ")


ROWS = "number,house name,temperature\n1,x,\n2,y,absent\n3,z,5\n"


def test_warm_up_file_is_read_with_its_missing_words(tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text(ROWS)
    finding = warm_up(facts([], warm_up=str(path)))
    assert finding.words == f"2 of the first 3 records of {path} fit"
    assert finding.advice.startswith("1 do not fit and are left out, the first: ")
    assert "temperature" in finding.advice
    assert warm_up(facts([], warm_up=str(path), na_values=("absent",))) == Finding(
        f"3 of the first 3 records of {path} fit"
    )


@pytest.mark.parametrize(
    ("name", "pipeline", "words"),
    [
        ("none.csv", KEYED, "does not exist"),
        ("past.csv", WHOLE, "state without group_by"),
        ("past-{partition}.csv", WHOLE, "past-1.csv does not exist"),
    ],
)
def test_warm_up_file_that_the_service_would_refuse_is_foreseen(
    tmp_path: Path, name: str, pipeline: Any, words: str
) -> None:
    for existing in ("past.csv", "past-0.csv"):
        (tmp_path / existing).write_text(ROWS)
    with pytest.raises(ConfigurationError, match=words):
        warm_up(facts([], pipeline, partitions=2, warm_up=str(tmp_path / name)))


@pytest.mark.parametrize("options", [{}, {"warm_up": "6h"}])
def test_warm_up_without_a_file_passes_the_check(options: dict[str, Any]) -> None:
    assert warm_up(facts([], **options)) == Finding("no file, or no state to fill")


LATEST = "/subjects/in-value/versions/latest"
FITTING = [("number", "long"), ("house name", "string"), ("temperature", ["null", "double"])]


def writer(*fields: tuple[str, Any]) -> tuple[int, dict[str, str]]:
    named = [{"name": name.replace(" ", "_"), "aliases": [name], "type": kind} for name, kind in fields]
    return 200, {"schema": json.dumps({"type": "record", "name": "House", "fields": named})}


def schema_checked(answers: dict[str, Any], *sample: Message) -> Finding:
    with fake_registry() as fake:
        fake.answers = answers
        service_facts = facts([*sample])
        object.__setattr__(service_facts, "broker", BrokerSettings("b", "g", schema_registry=fake.url))
        return record_schema(service_facts)


def test_the_record_is_compared_with_the_newest_schema_of_the_subject() -> None:
    assert record_schema(facts([message()])) == Finding("not compared, because no schema registry is configured")
    of_subject = "House is compared with the newest schema of in-value"
    assert schema_checked({LATEST: writer(*FITTING)}) == Finding(of_subject)
    finding = schema_checked({LATEST: writer(("number", "string"), *FITTING[1:])}, message(b"\0\0\0\0\7\2"))
    assert finding == Finding(of_subject, "field 'number' is str in the schema, and is declared as int")


def test_without_a_subject_the_last_messages_schema_is_compared() -> None:
    sample = [message(b"\0\0\0\0\6\2"), message(b"\0\0\0\0\7\2"), message()]
    finding = schema_checked({"/schemas/ids/7": writer(*FITTING[1:])}, *sample)
    assert finding.words == "House is compared with schema 7, which the last message names"
    assert finding.advice == "the schema has no field 'number', which is declared as int: records are dead letters"
    assert schema_checked({}).words == "not compared, because the schema registry has no subject in-value"


def test_a_schema_that_cannot_be_read_fails_the_check() -> None:
    with pytest.raises(ConfigurationError, match="the newest schema of in-value cannot be read: not an Avro schema"):
        schema_checked({LATEST: (200, {"schema": "{nope"})})
