"""An audit on a real broker, of correct outputs and of changed ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Message, Producer
from deltalake import write_deltalake
from pyiceberg.catalog import load_catalog

from makiserve.artifact import PackagedModel
from makiserve.cli.main import command
from makiserve.kafka import Connection
from makiserve.offline.audit import Audited, audit
from makiserve.settings import AuditSettings, BrokerSettings
from tests.catalog import set_catalog
from tests.integration.serving.service import Service, read, send, sources
from tests.kafka.unreadable import produce_around_unreadable

RECORDS = 120
POISON = {17: {"number": 17, "value": 13}, 40: {"number": "no", "value": 1}, 99: {"number": 99, "value": 13}}


def steps() -> list[bytes]:
    return [json.dumps(POISON.get(n, {"number": n, "value": n % 11 + 0.5})).encode() for n in range(RECORDS)]


def copy(kafka: str, messages: Iterable[Message], topic: str, change: Callable[[int, bytes], list[bytes]]) -> None:
    """Produce what a service wrote to another topic, each value changed, left out or doubled."""
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for message in messages:
        (offset,) = sources([message])
        for value in change(offset, message.value()):
            producer.produce(topic, value, message.key(), message.partition(), headers=message.headers())
    assert producer.flush(30) == 0


def audited(kafka: str, model: PackagedModel, group: str, **settings: Any) -> list[Audited]:
    asked: dict[str, Any] = {
        "dead_letters": "",
        "start": "earliest",
        "end": "latest",
        "state_from": "earliest",
    } | settings
    return audit(model, Connection(BrokerSettings(kafka, group)), AuditSettings(**asked, tolerance=0.0))


def test_audit_finds_only_the_changed_outputs(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    running_uri: str,
    running: PackagedModel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    input_, output, changed, dead_letters = topic(2), topic(2), topic(2), topic(2)
    running_service = service(running_uri, input_, output)
    for partition in (0, 1):
        send(kafka, input_, steps(), partition=partition)
    right = read(kafka, output, enough=2 * (RECORDS - len(POISON)))
    buried = read(kafka, f"{output}.dead-letters", enough=2 * len(POISON))
    assert running_service.stop()[0] == 0

    options = ["--model", running_uri, "--bootstrap-servers", kafka, "--input", input_, "--output", output]
    assert command.main(["audit", *options], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert f"{input_}[1]  agrees, offsets 0 to 120\n" in shown
    assert "117 identical, 0 within the tolerance, 0 different, 0 missing, 0 unexpected" in shown
    assert "dead letters  3 identical" in shown
    assert "written by version 1, digest " in shown

    def tamper(offset: int, value: bytes) -> list[bytes]:
        return {50: [b'{"prediction":0.125}'], 60: [], 70: [value, value]}.get(offset, [value])

    copy(kafka, right[0], changed, tamper)
    copy(kafka, right[1], changed, lambda offset, value: [value])
    group, names = f"makiserve.{output}", {"input": input_, "output": changed}
    first, second = audited(kafka, running, group, **names, dead_letters=f"{output}.dead-letters")
    assert second.agree
    assert not first.agree
    assert first.dead.agree
    assert (first.outputs.different, first.outputs.missing, first.outputs.unexpected) == (1, 1, 1)
    assert first.mismatch
    assert (first.mismatch.offset, first.mismatch.actual) == (50, '{"prediction":0.125}')
    assert first.mismatch.expected == right[0][49 - 2].value().decode()
    assert first.mismatch.record == steps()[50].decode()

    later, _ = audited(kafka, running, group, **names, dead_letters=f"{output}.dead-letters", start="61")
    assert later.offsets == (61, 120)
    assert (later.outputs.identical, later.outputs.missing, later.outputs.unexpected) == (58, 0, 1)
    none, _ = audited(kafka, running, group, **names, dead_letters=f"{output}.dead-letters", start="71")
    assert none.agree  # with the state of all records before

    copy(kafka, buried[0], dead_letters, lambda offset, value: [] if offset == 40 else [value])
    copy(kafka, buried[1], dead_letters, lambda offset, value: [value])
    missing, _ = audited(kafka, running, group, input=input_, output=output, dead_letters=dead_letters)
    assert missing.outputs.agree
    assert missing.mismatch
    mismatch = missing.mismatch
    assert (mismatch.offset, mismatch.expected, mismatch.actual) == (40, "a dead letter (decode)", "nothing")


def as_delta(rows: pa.Table, folder: Path) -> str:
    write_deltalake(folder / "lake", rows)
    return f"delta:{folder / 'lake'}"


def as_iceberg(rows: pa.Table, folder: Path) -> str:
    with closing(load_catalog("lake")) as catalog:
        catalog.create_namespace("home")
        catalog.create_table("home.steps", schema=rows.schema).append(rows)
    return "iceberg:lake.home.steps"


@pytest.mark.parametrize("write", [as_delta, as_iceberg])
def test_audit_against_a_table_names_features_of_late_records(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    write: Callable[[pa.Table, Path], str],
) -> None:
    """Records 8 and 12 arrive in each other's place. The rows of the table have no order, and one was never sent."""
    set_catalog(monkeypatch, tmp_path)
    pipeline, input_, output = "tests.integration.serving.pipeline:features", topic(1), topic(1)
    numbers = [*range(8), 12, 9, 10, 11, 8, *range(13, 20)]
    running_service = service(pipeline, input_, output)
    send(kafka, input_, [json.dumps({"number": number, "value": number / 8}).encode() for number in numbers])
    read(kafka, output, enough=20)
    assert running_service.stop()[0] == 0
    stored = [(number * 8) % 21 for number in range(21)]
    lake = write(pa.table({"number": stored, "value": [number / 8 for number in stored]}), tmp_path)

    options = ["--features", pipeline, "--bootstrap-servers", kafka, "--input", input_, "--output", output]
    options += ["--against", lake, "--match-by", "number", "--order-by", "number"]
    assert command.main(["audit", *options], standalone_mode=False) == 1
    shown = capsys.readouterr().out
    assert "20 of the stream, 0 absent from the lake, 1 only in the lake, 4 in a different order\n" in shown
    assert "20 matched, 0 missing, 0 unexpected" in shown
    assert " total: 5 differ, by at most 5.25," in shown
    assert " recent: 12 differ," in shown
    assert command.main(["audit", *options, "--to", "8"], standalone_mode=False) == 0
    assert (
        "8 of the stream, 0 absent from the lake, 13 only in the lake, 0 in a different order"
        in capsys.readouterr().out
    )


def test_audit_continues_after_an_undecompressable_batch(
    kafka: str, topic: Callable[..., str], service: Callable[..., Service], running_uri: str, running: PackagedModel
) -> None:
    input_, output = topic(1), topic(1)
    produce_around_unreadable(kafka, input_, *steps()[:2])
    running_service = service(running_uri, input_, output)
    written = read(kafka, output, enough=2)[0]
    assert sources(written) == [0, 3]
    assert running_service.stop()[0] == 0
    names = {"input": input_, "output": output, "dead_letters": f"{output}.dead-letters"}
    (partition,) = audited(kafka, running, f"makiserve.{output}", **names)
    assert partition.agree
    assert partition.offsets == (0, 4)
    assert (partition.outputs.identical, partition.dead.identical) == (2, 2)
