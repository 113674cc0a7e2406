"""The checks of records: what outputs would meet in their topic, fields that never occur, and warm-up files."""

from __future__ import annotations

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
from makiserve.serving.preflight.records import fit, outputs, warm_up
from makiserve.serving.preflight.runner import Finding, ServiceFacts
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.engine.trace import trace
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
    found = ServiceFacts(
        lambda: model, BrokerSettings("b", "g"), ServeSettings("in", "out", "dead", **options), dict(topics)
    )
    found.__dict__["sample"] = sample
    return found


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
    found = outputs(facts([message(), message(**bad), message()], settings=settings))
    assert words in found.advice
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
    found = fit(facts([message(b"{"), message(b'{"number": 1, "house name": "x", "temperature": 1}')]))
    assert found.words == "1 of the last 2 records fit House"
    assert found.advice.startswith("1 would become dead letters; the last error: ")


ROWS = "number,house name,temperature\n1,x,\n2,y,absent\n3,z,5\n"


def test_warm_up_file_is_read_with_its_missing_words(tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text(ROWS)
    found = warm_up(facts([], warm_up=str(path)))
    assert found.words == f"2 of the first 3 records of {path} fit"
    assert found.advice.startswith("1 do not fit and are left out, the first: ")
    assert "temperature" in found.advice
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
def test_no_warm_up_file_is_no_error(options: dict[str, Any]) -> None:
    assert warm_up(facts([], **options)) == Finding("no file, or no state to fill")
