"""The outputs and dead letters that a service wrote, read as JSON from any format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import DecodeError
from makiserve.kafka import (
    Connection,
    Message,
    RangeReader,
    direct_decoder,
    offset_ranges,
    place_from_text,
    read_headers,
    schema_of,
)
from makiserve.kafka.headers import decode_headers
from makiserve.records import Record, Schema
from makiserve.scoring import Served
from makiserve.scoring.comparison import Output, Position
from makiserve.scoring.output_type import output_type, sample_outputs
from makiserve.settings import BrokerSettings


class ActualOutputs(NamedTuple):
    """An output, or a dead letter.

    Attributes:
        position: of the record that caused it: `topic[partition]` and offset.
        value: the value of an output, or the reason of a dead letter.
        writer: version and digest of the model that produced it.
    """

    position: Position
    value: bytes
    writer: tuple[str, str]


def actual_outputs(
    reader: RangeReader, connection: Connection, topic: str, source: str, outputs: OutputReader | None = None
) -> dict[str, list[ActualOutputs]]:
    """Return all messages of a topic that were caused by records of `source`, by the record's partition, in order.

    Args:
        reader: reads the messages.
        connection: to the brokers.
        topic: the topic that the service writes.
        source: the topic that the service reads.
        outputs: reads the values; None to take them as they are.

    Raises:
        ConfigurationError: the topic does not exist.
    """
    by_partition: dict[str, list[ActualOutputs]] = {}
    for span in offset_ranges(connection, topic, place_from_text("earliest"), place_from_text("latest")):
        for messages in reader.read(span):
            values = outputs.read(messages) if outputs else [message.value() or b"" for message in messages]
            for output in filter(None, map(_written, messages, values)):
                if output.position[0].rpartition("[")[0] == source:
                    by_partition.setdefault(output.position[0], []).append(output)
    return by_partition


def _written(message: Message, output: bytes) -> ActualOutputs | None:
    """Parse a message whose value is an output as JSON; return None if another program wrote it."""
    added = decode_headers(read_headers(message).headers)
    if (source := added.source) is None:
        return None
    position = (f"{source.topic}[{source.partition}]", source.offset)
    return ActualOutputs(position, added.values.get("reason") or output, (added.text("version"), added.text("digest")))


class OutputReader:
    """Reads outputs in any format as JSON, so that those of a service and those of a replay can be compared.

    Args:
        model: the model that made them.
        broker: how to reach the schema registry.
    """

    def __init__(self, model: Served, broker: BrokerSettings) -> None:
        self._schema: Schema | None = None
        self._has_schemas = False
        sample = sample_outputs(model) if broker.schema_registry else None
        if sample and sample.items:
            kind: Any = output_type(sample, "Output", model.name or model.uri, is_json=True)
            self._schema = Schema(kind)
            self._decoder = direct_decoder(self._schema, replace(broker, input_format="auto"))

    def read(self, messages: Sequence[Message]) -> list[bytes]:
        """Return the value of each message as JSON; a value without a schema as it is."""
        values = [message.value() or b"" for message in messages]
        if self._schema:
            for index, message in enumerate(messages):
                if schema_of(message):
                    self._has_schemas = True
                    values[index] = self._json(self._decoder.decode([message]).records[0])
        return values

    def normalized(self, outputs: Sequence[Output]) -> list[Output]:
        """Return JSON outputs as they would be if they had been read from a format with a schema.

        They stay as they are if no message had a schema.
        """
        if self._schema is None or not self._has_schemas:
            return list(outputs)
        records = self._schema.decode_messages([value for _, value in outputs])
        pairs = zip(outputs, records, strict=True)
        return [
            output if isinstance(record, DecodeError) else (output[0], self._json(record)) for output, record in pairs
        ]

    def _json(self, record: Record | DecodeError) -> bytes:
        if isinstance(record, DecodeError):
            return msgspec.json.encode({"unreadable output": str(record)})
        return msgspec.json.encode(record)
