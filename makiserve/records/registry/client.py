"""The client of a schema registry that speaks Confluent's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from makiserve.errors import ConfigurationError, ModelRefused, SchemaNotFound, SchemaRegistryUnavailable
from makiserve.records.registry.http import RegistryRequests, one_line
from makiserve.records.registry.wire import SchemaId
from makiserve.structs import thread_safe

MAX_REFERENCES = 100
"""Maximum number of schemas that a schema may refer to, directly or indirectly."""


class SchemaReference(NamedTuple):
    """A schema that another one refers to.

    Attributes:
        name: the name by which it is referred to: a type in Avro, a file in Protobuf, a URI in JSON Schema.
        text: the schema.
    """

    name: str
    text: str


class RegisteredSchema(NamedTuple):
    """A schema from the registry, or for it.

    Attributes:
        kind: AVRO, JSON or PROTOBUF.
        text: the schema.
        references: the schemas that it refers to, each after those that it refers to itself.
    """

    kind: str
    text: str
    references: tuple[SchemaReference, ...] = ()


class _ReferenceAnswer(msgspec.Struct):
    """A schema that another one refers to, in an answer of the registry."""

    name: str
    subject: str
    version: int


@thread_safe
class _SchemaAnswer(msgspec.Struct):
    """A schema, in an answer of the registry."""

    schema: str
    schemaType: str | None = None  # noqa: N815  the registry's name
    references: list[_ReferenceAnswer] | None = None


class RegistryClient:
    """Schemas of a schema registry.

    Args:
        url, options: as for `RegistryRequests`, whose errors it raises.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._requests = RegistryRequests(url, options)

    def check(self) -> None:
        """Check that the registry answers and accepts the credentials.

        Raises:
            SchemaRegistryUnavailable: it does not answer, or what answers is not a schema registry.
            ConfigurationError: it refuses the credentials.
        """
        try:
            self._requests.send("GET", "/schemas/types")
        except SchemaNotFound as error:
            raise ConfigurationError(f"{error}: is {self.url} the address of its Confluent API?") from error

    def schema(self, schema: SchemaId) -> RegisteredSchema:
        """Return a schema and all schemas that it refers to.

        Raises:
            SchemaNotFound: the registry has no such schema.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        kind = "ids" if isinstance(schema.id, int) else "guids"
        return self._registered(self._requests.send("GET", f"/schemas/{kind}/{schema}"))

    def latest(self, subject: str) -> RegisteredSchema:
        """Return the newest schema of a subject, and all schemas that it refers to.

        Raises:
            SchemaNotFound: the registry has no such subject.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        return self._registered(self._requests.send("GET", f"/subjects/{quote(subject, safe='')}/versions/latest"))

    def id_in(self, subject: str, schema: RegisteredSchema) -> int:
        """Return the id of a schema that a subject has.

        Raises:
            SchemaNotFound: the subject does not have this schema, or does not exist.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        return self._id(self._requests.send("POST", f"/subjects/{quote(subject, safe='')}", _body(schema)))

    def check_compatibility(self, subject: str, schema: RegisteredSchema) -> None:
        """Check that a subject accepts a schema as its next version. A subject without versions accepts any.

        Raises:
            ModelRefused: the schema is not compatible with those before it.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions/latest?verbose=true"
        try:
            content = self._requests.send("POST", path, _body(schema))
        except SchemaNotFound:
            return
        answer = content if isinstance(content, dict) else {}
        if not answer.get("is_compatible"):
            reasons = one_line(answer.get("messages") or "the registry gives no reason", 1000)
            raise ModelRefused(
                f"the schema of the outputs is not compatible with the newest one of {subject}: {reasons}"
            )

    def register(self, subject: str, schema: RegisteredSchema) -> int:
        """Register a schema under a subject and return its id. A schema that the subject has keeps its id.

        Raises:
            ModelRefused: the schema is not compatible with those before it.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the schema or the credentials.
        """
        return self._id(self._requests.send("POST", f"/subjects/{quote(subject, safe='')}/versions", _body(schema)))

    def _id(self, answer: Any) -> int:
        if isinstance(answer, dict) and isinstance(answer.get("id"), int):
            return int(answer["id"])
        raise SchemaRegistryUnavailable(f"the schema registry at {self.url} returned no schema ID")

    def _registered(self, content: Any) -> RegisteredSchema:
        answer = self._schema(content)
        references: dict[tuple[str, int], SchemaReference] = {}
        self._refer(answer, references)
        return RegisteredSchema(answer.schemaType or "AVRO", answer.schema, tuple(references.values()))

    def _refer(self, answer: _SchemaAnswer, references: dict[tuple[str, int], SchemaReference], depth: int = 0) -> None:
        """Add the schemas that a schema refers to, each after those that it refers to itself."""
        for reference in answer.references or ():
            if (reference.subject, reference.version) in references:
                continue
            if depth >= MAX_REFERENCES or len(references) >= MAX_REFERENCES:
                raise SchemaNotFound(f"the schema refers to more than {MAX_REFERENCES} others")
            path = f"/subjects/{quote(reference.subject, safe='')}/versions/{reference.version}"
            other = self._schema(self._requests.send("GET", path))
            self._refer(other, references, depth + 1)
            references[reference.subject, reference.version] = SchemaReference(reference.name, other.schema)

    def _schema(self, content: Any) -> _SchemaAnswer:
        try:
            return msgspec.convert(content, _SchemaAnswer)
        except msgspec.ValidationError as error:
            raise SchemaRegistryUnavailable(f"the schema registry at {self.url} returned no schema: {error}") from error


def _body(schema: RegisteredSchema) -> dict[str, str]:
    return {"schema": schema.text, "schemaType": schema.kind}
