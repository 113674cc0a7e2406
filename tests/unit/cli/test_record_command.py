"""`makiserve record` on the command line: the class, or what is wrong with the source and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from click.testing import CliRunner

from makiserve.cli.main import command
from makiserve.errors import ConfigurationError, SourceError
from tests.unit.records.registry.fake import FakeRegistry, fake_registry


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        yield registry


def record(*arguments: str) -> str:
    return CliRunner().invoke(command, ["record", *arguments], catch_exceptions=False).stdout


def test_record_writes_the_class_of_a_lake_table(tmp_path: Path) -> None:
    place = tmp_path / "house-readings"
    deltalake.write_deltalake(str(place), pa.table({"at": pa.array([1], pa.timestamp("us", "UTC")), "power": [1.5]}))
    written = record(f"delta:{place}@0")
    assert f'class HouseReadings(makiserve.Record):\n    """A row of delta:{place}@0."""' in written
    assert "    at: datetime\n    power: float\n" in written


def test_record_writes_the_class_of_a_protobuf_subject(fake: FakeRegistry) -> None:
    schema = 'syntax = "proto3"; message Reading { int64 time = 1; optional double power = 2; }'
    fake.answers["/subjects/house-value/versions/latest"] = (200, {"schema": schema, "schemaType": "PROTOBUF"})
    written = record("--subject", "house-value", "--schema-registry", fake.url)
    assert "    time: int\n    power: float | None = None\n" in written


def test_record_names_an_unknown_subject(fake: FakeRegistry) -> None:
    with pytest.raises(SourceError, match=r"has no subject 'house'\. Check the name: .* is TOPIC-value"):
        record("--subject", "house", "--schema-registry", fake.url)


@pytest.mark.parametrize(("kind", "text"), [("JSON", "{nope"), ("AVRO", '{"type": "nothing"}')])
def test_record_names_the_subject_of_an_unreadable_schema(fake: FakeRegistry, kind: str, text: str) -> None:
    fake.answers["/subjects/house-value/versions/latest"] = (200, {"schema": text, "schemaType": kind})
    with pytest.raises(SourceError, match="the schema of the subject house-value cannot be read: not a"):
        record("--subject", "house-value", "--schema-registry", fake.url)


@pytest.mark.parametrize("url", ["htp://registry:8081", "registry:8081"])
def test_record_command_names_an_address_that_is_not_a_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--schema-registry {url}: expected http://… or https://…"):
        record("--subject", "house-value", "--schema-registry", url)
