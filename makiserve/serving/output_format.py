"""The format of the outputs: plain JSON, or one whose schema is in the registry before the first output is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import msgspec

from makiserve.errors import ConfigurationError
from makiserve.kafka import registry_client
from makiserve.monitoring.merge import SHOWN
from makiserve.records.registry import (
    KINDS,
    Encode,
    RegisteredSchema,
    RegistryClient,
    SchemaFormat,
    find_schema,
    payload_encoder,
    retry,
    with_id,
)
from makiserve.scoring import Outputs, Served
from makiserve.scoring.output import UNWRITABLE
from makiserve.scoring.output_type import native, output_type, sample_outputs, shadow_type
from makiserve.settings import BrokerSettings, ServeSettings, SubjectStrategy

T = TypeVar("T")

SUBJECTS: dict[SubjectStrategy, str] = {
    "topic-name": "{topic}-value",
    "record-name": "{record}",
    "topic-record-name": "{topic}-{record}",
}
"""The subject of a schema, by Confluent's strategies."""


class TopicValues(NamedTuple):
    """The values of a topic.

    Attributes:
        subject: of their schema.
        schema: their schema.
        encode: encodes a value, without the id of the schema.
    """

    subject: str
    schema: RegisteredSchema
    encode: Encode

    def missing(self) -> ConfigurationError:
        """Return the error for a subject that does not have the schema."""
        return ConfigurationError(
            f"the subject {self.subject} of the schema registry accepts the schema of the outputs, but does not have "
            f"it: register it, or let the service do so with --register-schemas: {self.schema.text}"
        )


class OutputFormats:
    """The outputs of each model version, in the format of the settings.

    A version is prepared before it serves: its schema is derived, compared with those of the subject, and registered if
    that is allowed. Another process can do the same with a pickled copy.

    Args:
        broker: how to reach the schema registry.
        settings: the format, the topic, and whether schemas may be registered.

    Raises:
        ConfigurationError: the format needs a schema registry, and there is none.
    """

    def __init__(self, broker: BrokerSettings, settings: ServeSettings) -> None:
        self._broker, self._settings = broker, settings
        self._format: SchemaFormat | None = None if settings.output_format == "json" else settings.output_format
        self._ready: WeakKeyDictionary[Served, Outputs] = WeakKeyDictionary()
        if self._format and broker.schema_registry is None:
            raise ConfigurationError(
                f"--output-format {settings.output_format} needs --schema-registry, the registry's URL"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return OutputFormats, (self._broker, self._settings)

    def prepare(self, model: Served) -> None:
        """Make the outputs of a model version ready, so that `outputs` makes no request.

        Raises:
            ModelRefused: the schema of its outputs is not compatible with those before it.
            ConfigurationError: the subject does not have the schema, and it must not be registered; or the types of the
                outputs are unknown.
            SchemaRegistryUnavailable: the registry does not answer.
        """
        if self._format is None or model in self._ready:
            return
        outputs, *shadow = map(self._registered, self._values(self._format, model))
        self._ready[model] = model.outputs().in_format(self._format, outputs, SHOWN, *shadow)

    def outputs(self, model: Served) -> Outputs:
        """Return the form of the outputs of a model version; it is prepared if it was not."""
        self.prepare(model)
        return self._ready[model] if self._format else model.outputs()

    def check(self, model: Served) -> str:
        """Describe what `prepare` would do; nothing is registered.

        Raises:
            MakiserveError: the errors of `prepare`.
        """
        if self._format is None:
            return "plain JSON without a schema"
        return "; ".join(map(self._checked, self._values(self._format, model)))

    def _checked(self, values: TopicValues) -> str:
        if number := self._retried(lambda client: find_schema(client, values.subject, values.schema)):
            return f"{values.subject} has the schema of the outputs, id {number}"
        if not self._settings.register_schemas:
            raise values.missing()
        return f"{values.subject} accepts the schema of the outputs, which will be registered"

    def _values(self, schema_format: SchemaFormat, model: Served) -> list[TopicValues]:
        """Return the values of the output topic, and those of the shadow's topic if there is one."""
        sample, is_json = sample_outputs(model), schema_format == "json-schema"
        name, topic, shadow_topic = model.name or model.uri, self._settings.output, self._settings.shadow_output
        kind = output_type(sample, type_name(topic), name, is_json=is_json)
        values = [self._tried(schema_format, topic, kind, sample.items, model.uri)]
        if shadow_topic and (shadow := model.companions.shadow):
            name = shadow.name or shadow.uri
            kind = shadow_type(sample.shadow, type_name(shadow_topic), name, is_json=is_json)
            items = [{"prediction": prediction} for prediction in sample.shadow]
            values.append(self._tried(schema_format, shadow_topic, kind, items, shadow.uri))
        return values

    def _tried(
        self, schema_format: SchemaFormat, topic: str, kind: type[msgspec.Struct], items: Sequence[Any], uri: str
    ) -> TopicValues:
        """Return the values of a topic, tried with the outputs of the reference records."""
        payload = payload_encoder(schema_format, kind, native)
        for item in items:
            try:
                payload.encode(item)
            except UNWRITABLE as error:
                raise ConfigurationError(
                    f"an output of the reference records of {uri} is not of the declared type, so it cannot be "
                    f"written as {schema_format}: {error}. Correct the types in the class that the pipeline emits"
                ) from error
        subject = SUBJECTS[self._settings.subject_strategy].format(topic=topic, record=kind.__name__)
        return TopicValues(subject, RegisteredSchema(KINDS[schema_format], payload.text), payload.encode)

    def _registered(self, values: TopicValues) -> Encode:
        """Return the encoder of values with the id of their schema, which is registered if that is allowed."""

        def number_in(client: RegistryClient) -> int:
            number = find_schema(client, values.subject, values.schema)
            if number is None and not self._settings.register_schemas:
                raise values.missing()
            return client.register(values.subject, values.schema) if number is None else number

        return with_id(self._retried(number_in), values.encode)

    def _retried(self, call: Callable[[RegistryClient], T]) -> T:
        client = registry_client(self._broker)
        assert client is not None  # noqa: S101  checked when this was made
        return retry(lambda: call(client), self._broker.startup_timeout)


def type_name(topic: str) -> str:
    """Return the name of the type of a topic's outputs.

    >>> type_name("house.predictions-v2")
    'HousePredictionsV2'
    """
    words = re.findall(r"[A-Za-z0-9]+", topic)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Output{name}"
