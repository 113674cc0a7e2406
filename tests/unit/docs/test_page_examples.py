"""The examples of pages are true: sessions of Python, and blocks with tests."""

from __future__ import annotations

import doctest
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message

import makiserve
from makiserve.kafka import direct_decoder
from makiserve.records import Schema
from makiserve.settings import BrokerSettings

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"


@pytest.mark.parametrize("page", ["features.md", "missing-values.md", "windows.md"])
def test_the_examples_of_a_page_are_true(page: str) -> None:
    results = doctest.testfile(str(HOW_TO / page), module_relative=False)
    assert results.attempted > 5
    assert not results.failed


@pytest.mark.slow
def test_the_tests_of_the_page_about_tests_pass() -> None:
    page = (HOW_TO / "test-a-pipeline.md").read_text()
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_records_of_the_page_about_registries_are_decoded() -> None:
    page = (HOW_TO / "schema-registry.md").read_text()
    keyed, event = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"__name__": "page", "makiserve": makiserve, "datetime": datetime}
    headers: list[tuple[str, str | bytes]] = [("ce_id", b"7"), ("ce_time", b"2026-11-28T12:00:00Z")]
    message: Any = Message(topic="house", key=b"a", value=b'{"power": 1.5}', headers=headers)
    records: list[dict[str, Any]] = []
    for block in (keyed, event):
        exec(compile(block, str(HOW_TO), "exec", dont_inherit=True), names)  # its annotations are evaluated
        decoder = direct_decoder(Schema(names["Reading"]), BrokerSettings("broker:9092", "group"))
        (record,) = decoder.decode([message]).records
        assert isinstance(record, makiserve.Record)
        records.append(msgspec.structs.asdict(record))
    noon = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
    assert records == [{"power": 1.5, "house": "a"}, {"power": 1.5, "event_id": "7", "time": noon}]
