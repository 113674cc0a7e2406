"""`makiserve record`: write the record type of a file, a table, a topic or a subject of the schema registry."""

from __future__ import annotations

from pathlib import Path

import click

from makiserve.cli.options import settings_from
from makiserve.errors import ConfigurationError, DecodeError, SchemaNotFound, SourceError
from makiserve.kafka import Connection, TopicInspector, registry_client, schema_of
from makiserve.records.inference import (
    InferredRecord,
    fields_of_file,
    fields_of_json,
    fields_of_table,
    source_of,
)
from makiserve.records.lake import is_table, open_table
from makiserve.records.names import class_name
from makiserve.records.registry import RegisteredSchema
from makiserve.records.registry.record_type import record_of_schema
from makiserve.settings import TOPIC_PREFIX, BrokerSettings, Settings

HELP = """Generate a record type from a file, a lake table, a topic or a subject of the schema registry.

\b
makiserve record house.csv > house.py
makiserve record delta:s3://lake/house
makiserve record kafka:house --bootstrap-servers localhost:9092
makiserve record --subject house-value --schema-registry http://localhost:8081

FILE is a CSV, Parquet or JSON lines file, TABLE a lake table (delta:PATH or iceberg:CATALOG.TABLE), and kafka:TOPIC a
topic. Give one of them, or --subject.

Each field of a file, of a table or of JSON messages gets the narrowest type that accepts all of its values. Check what
the data do not show: a field that is never null in them may be null later.
"""

MESSAGES = 1_000
"""The number of messages to read from each partition."""


@click.command(help=HELP)
@click.argument("source", required=False, metavar="FILE|TABLE|kafka:TOPIC")
@click.option("--subject", metavar="SUBJECT", help="The subject of the schema registry, such as house-value.")
@settings_from(BrokerSettings)
def record(settings: Settings, source: str | None, subject: str | None) -> None:
    """Print the source of a record type."""
    if (source is None) == (subject is None):
        raise ConfigurationError("give one of FILE, TABLE, kafka:TOPIC and --subject")
    if subject is not None:
        inferred = _of_subject(settings.of(BrokerSettings, bootstrap_servers=""), subject)
    elif source and source.startswith(TOPIC_PREFIX):
        inferred = _of_topic(settings.of(BrokerSettings, group="makiserve-record"), source.removeprefix(TOPIC_PREFIX))
    elif source and is_table(source):
        name = source.partition("@")[0].rstrip("/").rpartition("/")[2].rpartition(":")[2]
        inferred = InferredRecord(class_name(name), f"A row of {source}.", fields_of_table(open_table(source)))
    else:
        path = Path(source or "")
        inferred = InferredRecord(class_name(path.stem), f"A row of {path.name}.", fields_of_file(path))
    print(source_of(inferred), end="")


def _of_subject(broker: BrokerSettings, subject: str) -> InferredRecord:
    client = registry_client(broker)
    if client is None:
        raise ConfigurationError("--subject needs --schema-registry, the registry's URL")
    try:
        registered = client.latest(subject)
    except SchemaNotFound as error:
        raise SourceError(
            f"the schema registry at {client.url} has no subject {subject!r}. Check the name: by default the subject "
            "of a topic's values is TOPIC-value"
        ) from error
    return _of_schema(registered, class_name(subject), f"the subject {subject}")


def _of_schema(registered: RegisteredSchema, name: str, place: str) -> InferredRecord:
    try:
        return record_of_schema(name, f"A message of {place}.", registered)
    except DecodeError as error:
        raise SourceError(f"the schema of {place} cannot be read: {error}") from error


def _of_topic(broker: BrokerSettings, name: str) -> InferredRecord:
    """Return the record type of a topic: from the schema of its last message, or from its JSON messages."""
    inspector = TopicInspector(Connection(broker))
    topic = inspector.topic(name)
    if topic is None:
        raise ConfigurationError(f"topic {name} does not exist, or the principal may not see it")
    messages = [message for message in inspector.tail(topic, MESSAGES) if message.value() is not None]
    title, place = class_name(name), f"the topic {name}"
    if messages and (schema := schema_of(messages[-1])) is not None:
        if (client := registry_client(broker)) is None:
            raise ConfigurationError(
                f"the last message of {name} names the schema {schema} of a registry: give --schema-registry, the "
                "registry's URL"
            )
        try:
            return _of_schema(client.schema(schema), title, place)
        except SchemaNotFound as error:
            raise SourceError(f"the last message of {place} names a schema that does not exist: {error}") from error
    return InferredRecord(
        title, f"A message of {place}.", fields_of_json(message.value() or b"" for message in messages)
    )
