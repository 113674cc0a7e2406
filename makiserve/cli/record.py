"""`makiserve record`: write the record type of a file, a topic or a subject of the schema registry."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from makiserve.cli.options import settings_from
from makiserve.errors import ConfigurationError, SourceError
from makiserve.kafka import Connection, TopicInspector, registry_client, schema_of
from makiserve.records.avro import parse
from makiserve.records.inference import (
    InferredRecord,
    class_name,
    fields_of_file,
    fields_of_json,
    fields_of_json_schema,
    record_of_avro,
    source_of,
)
from makiserve.records.registry import RegisteredSchema
from makiserve.settings import TOPIC_PREFIX, BrokerSettings, Settings

HELP = """Generate a record type from a file, a topic or a subject of the schema registry.

\b
makiserve record house.csv > house.py
makiserve record kafka:house --bootstrap-servers localhost:9092
makiserve record --subject house-value --schema-registry http://localhost:8081

Each field of a file or of JSON messages gets the narrowest type that accepts all of its values. Check what the data do
not show: a field that is never null in them may be null later.
"""

MESSAGES = 1_000
"""The number of messages to read from each partition."""


@click.command(help=HELP)
@click.argument("source", required=False, metavar="FILE|kafka:TOPIC")
@click.option("--subject", metavar="SUBJECT", help="The subject of the schema registry, such as house-value.")
@settings_from(BrokerSettings)
def record(settings: Settings, source: str | None, subject: str | None) -> None:
    """Print the source of a record type."""
    if (source is None) == (subject is None):
        raise ConfigurationError("give one of FILE, kafka:TOPIC and --subject")
    if subject is not None:
        found = _of_subject(settings.of(BrokerSettings, bootstrap_servers=""), subject)
    elif source and source.startswith(TOPIC_PREFIX):
        found = _of_topic(settings.of(BrokerSettings, group="makiserve-record"), source.removeprefix(TOPIC_PREFIX))
    else:
        path = Path(source or "")
        found = InferredRecord(class_name(path.stem), f"A row of {path.name}.", fields_of_file(path))
    print(source_of(found), end="")


def _of_subject(broker: BrokerSettings, subject: str) -> InferredRecord:
    client = registry_client(broker)
    if client is None:
        raise ConfigurationError("--subject needs --schema-registry, the registry's URL")
    return _of_schema(client.latest(subject), class_name(subject), f"A message of the subject {subject}.")


def _of_schema(registered: RegisteredSchema, name: str, doc: str) -> InferredRecord:
    if registered.kind == "AVRO":
        return record_of_avro(name, doc, parse(registered.text, [each.text for each in registered.references]))
    if registered.kind == "JSON":
        return InferredRecord(name, doc, fields_of_json_schema(msgspec.json.decode(registered.text)))
    raise SourceError(f"a record type cannot be written from a schema in the format {registered.kind}")


def _of_topic(broker: BrokerSettings, name: str) -> InferredRecord:
    """Return the record type of a topic: from the schema of its last message, or from its JSON messages."""
    inspector = TopicInspector(Connection(broker))
    topic = inspector.topic(name)
    if topic is None:
        raise ConfigurationError(f"topic {name} does not exist, or the principal may not see it")
    messages = [message for message in inspector.tail(topic, MESSAGES) if message.value() is not None]
    title, doc = class_name(name), f"A message of the topic {name}."
    if messages and (schema := schema_of(messages[-1])) is not None:
        if (client := registry_client(broker)) is None:
            raise ConfigurationError(
                f"the last message of {name} names the schema {schema} of a registry: give --schema-registry, the "
                "registry's URL"
            )
        return _of_schema(client.schema(schema), title, doc)
    return InferredRecord(title, doc, fields_of_json(message.value() or b"" for message in messages))
