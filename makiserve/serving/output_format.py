"""The format of the outputs: plain JSON, or one whose schema is in the registry before the first output is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from makiserve.errors import ConfigurationError
from makiserve.kafka import registry_client
from makiserve.monitoring.merge import SHOWN
from makiserve.records.registry import (
    KINDS,
    PayloadEncoder,
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
from makiserve.scoring.output_type import native, output_type, sample_outputs
from makiserve.settings import BrokerSettings, ServeSettings

T = TypeVar("T")


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

    @property
    def subject(self) -> str:
        """The subject of the schema in the registry."""
        return f"{self._settings.output}-value"

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
        payload = self._payload(self._format, model)
        schema = RegisteredSchema(KINDS[self._format], payload.text)
        number = self._retried(lambda client: self._registered(client, schema))
        self._ready[model] = model.outputs().in_format(self._format, with_id(number, payload.encode), SHOWN)

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
        schema = RegisteredSchema(KINDS[self._format], self._payload(self._format, model).text)
        if number := self._retried(lambda client: find_schema(client, self.subject, schema)):
            return f"{self.subject} has the schema of the outputs, id {number}"
        if not self._settings.register_schemas:
            raise self._missing(schema)
        return f"{self.subject} accepts the schema of the outputs, which will be registered"

    def _payload(self, schema_format: SchemaFormat, model: Served) -> PayloadEncoder:
        """Return the encoder of the outputs without schema ids, tried with the outputs of the reference records."""
        sample = sample_outputs(model)
        name = type_name(self._settings.output)
        kind = output_type(sample, name, model.name or model.uri, is_json=schema_format == "json-schema")
        payload = payload_encoder(schema_format, kind, native)
        for item in sample.items:
            try:
                payload.encode(item)
            except UNWRITABLE as error:
                raise ConfigurationError(
                    f"an output of the reference records of {model.uri} is not of the declared type, so it cannot be "
                    f"written as {schema_format}: {error}. Correct the types in the class that the pipeline emits"
                ) from error
        return payload

    def _registered(self, client: RegistryClient, schema: RegisteredSchema) -> int:
        number = find_schema(client, self.subject, schema)
        if number is None and not self._settings.register_schemas:
            raise self._missing(schema)
        return client.register(self.subject, schema) if number is None else number

    def _missing(self, schema: RegisteredSchema) -> ConfigurationError:
        return ConfigurationError(
            f"the subject {self.subject} of the schema registry accepts the schema of the outputs, but does not have "
            f"it: register it, or let the service do so with --register-schemas: {schema.text}"
        )

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
