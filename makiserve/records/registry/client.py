"""The HTTP client of a schema registry that speaks Confluent's API."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import requests
from urllib3.exceptions import HTTPError

from makiserve.errors import (
    ConfigurationError,
    MakiserveError,
    ModelRefused,
    SchemaNotFound,
    SchemaRegistryUnavailable,
)
from makiserve.records.registry.session import CREDENTIALS, session_from
from makiserve.records.registry.wire import SchemaId

TIMEOUT_S = 5.0
"""Time limit for a whole request."""

MAX_BYTES = 4 << 20
"""Maximum size of a response."""

MAX_REFERENCES = 100
"""Maximum number of schemas that a schema may refer to, directly or indirectly."""

MAX_RETRY_AFTER_S = 60.0
"""Maximum pause that a registry can ask for."""


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


class _SchemaAnswer(msgspec.Struct):
    """A schema, in an answer of the registry."""

    schema: str
    schemaType: str | None = None  # noqa: N815  the registry's name
    references: list[_ReferenceAnswer] | None = None


class RegistryClient:
    """Requests to a schema registry.

    Args:
        url: its address; several addresses of one registry are separated by commas and tried in turn.
        options: credentials and TLS, see `OPTIONS`.

    Raises:
        ConfigurationError: an option is unknown, a file of it does not exist, or the URL is not one.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._urls = [each.strip().rstrip("/") for each in url.split(",")]
        for each in self._urls:
            if re.match(r"https?://[^/]*@", each):
                raise ConfigurationError("--schema-registry: give the credentials separately, " + CREDENTIALS)
            if not re.match(r"https?://[^/]", each):
                raise ConfigurationError(f"--schema-registry {url}: expected http://… or https://…")
        self._answering = 0
        self._session = session_from(options or {})

    def check(self) -> None:
        """Check that the registry answers and accepts the credentials.

        Raises:
            SchemaRegistryUnavailable: it does not answer, or what answers is not a schema registry.
            ConfigurationError: it refuses the credentials.
        """
        try:
            self._request("GET", "/schemas/types")
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
        return self._registered(self._request("GET", f"/schemas/{kind}/{schema}"))

    def latest(self, subject: str) -> RegisteredSchema:
        """Return the newest schema of a subject, and all schemas that it refers to.

        Raises:
            SchemaNotFound: the registry has no such subject.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        return self._registered(self._request("GET", f"/subjects/{quote(subject, safe='')}/versions/latest"))

    def id_in(self, subject: str, schema: RegisteredSchema) -> int:
        """Return the id of a schema that a subject has.

        Raises:
            SchemaNotFound: the subject does not have this schema, or does not exist.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        return self._id(self._request("POST", f"/subjects/{quote(subject, safe='')}", _body(schema)))

    def check_compatibility(self, subject: str, schema: RegisteredSchema) -> None:
        """Check that a subject accepts a schema as its next version. A subject without versions accepts any.

        Raises:
            ModelRefused: the schema is not compatible with those before it.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ConfigurationError: the registry refuses the credentials.
        """
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions/latest?verbose=true"
        try:
            found = self._request("POST", path, _body(schema))
        except SchemaNotFound:
            return
        answer = found if isinstance(found, dict) else {}
        if not answer.get("is_compatible"):
            reasons = _one_line(answer.get("messages") or "the registry gives no reason", 1000)
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
        return self._id(self._request("POST", f"/subjects/{quote(subject, safe='')}/versions", _body(schema)))

    def _id(self, found: Any) -> int:
        if isinstance(found, dict) and isinstance(found.get("id"), int):
            return int(found["id"])
        raise SchemaRegistryUnavailable(f"the schema registry at {self.url} returned no schema ID")

    def _registered(self, found: Any) -> RegisteredSchema:
        answer = self._schema(found)
        references: dict[tuple[str, int], SchemaReference] = {}
        self._refer(answer, references)
        return RegisteredSchema(answer.schemaType or "AVRO", answer.schema, tuple(references.values()))

    def _refer(self, answer: _SchemaAnswer, references: dict[tuple[str, int], SchemaReference], depth: int = 0) -> None:
        """Add the schemas that a schema refers to, each after those that it refers to itself."""
        for each in answer.references or ():
            if (each.subject, each.version) in references:
                continue
            if depth >= MAX_REFERENCES or len(references) >= MAX_REFERENCES:
                raise SchemaNotFound(f"the schema refers to more than {MAX_REFERENCES} others")
            path = f"/subjects/{quote(each.subject, safe='')}/versions/{each.version}"
            other = self._schema(self._request("GET", path))
            self._refer(other, references, depth + 1)
            references[each.subject, each.version] = SchemaReference(each.name, other.schema)

    def _schema(self, found: Any) -> _SchemaAnswer:
        try:
            return msgspec.convert(found, _SchemaAnswer)
        except msgspec.ValidationError as error:
            raise SchemaRegistryUnavailable(f"the schema registry at {self.url} returned no schema: {error}") from error

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the first address that answers and return the JSON of the answer."""
        errors: list[SchemaRegistryUnavailable] = []
        first, count = self._answering, len(self._urls)  # several threads send requests
        for place in (number % count for number in range(first, first + count)):
            try:
                found = self._ask(method, self._urls[place], path, body)
            except SchemaRegistryUnavailable as error:
                errors.append(error)
            else:
                self._answering = place
                return found
        raise errors[-1]

    def _ask(self, method: str, url: str, path: str, body: Any) -> Any:
        deadline = time.monotonic() + TIMEOUT_S
        try:
            # Without verify= here, the variable REQUESTS_CA_BUNDLE would take the place of the session's.
            verify = self._session.verify
            with self._session.request(
                method, url + path, json=body, timeout=TIMEOUT_S, stream=True, verify=verify
            ) as response:
                answer = self._read(response, deadline)
                status, headers = response.status_code, response.headers
        except (requests.RequestException, HTTPError, OSError) as error:
            cause = getattr(error.args[0], "reason", error) if error.args else error
            words = _one_line(re.sub(r"^.*?(?:object at 0x\w+>|\)): ", "", str(cause)), 200)
            raise SchemaRegistryUnavailable(f"the schema registry at {self.url} does not answer: {words}") from error
        try:
            found = msgspec.json.decode(answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            found = None
        if status == requests.codes.ok and isinstance(found, (dict, list)):
            return found
        raise self._refusal(status, found, f"{method} {path}", headers.get("Retry-After", ""))

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """Return the body of an answer."""
        answer = bytearray()
        while piece := response.raw.read1(1 << 16, decode_content=True):  # what is there: each byte may take its time
            answer += piece
            if len(answer) > MAX_BYTES:
                raise SchemaRegistryUnavailable(
                    f"the schema registry at {self.url} returned more than {MAX_BYTES:,} bytes"
                )
            if time.monotonic() > deadline:
                raise SchemaRegistryUnavailable(
                    f"the schema registry at {self.url} did not answer within {TIMEOUT_S:g} s"
                )
        return bytes(answer)

    def _refusal(self, status: int, found: Any, request: str, retry_after: str) -> MakiserveError:
        """Return the error for an answer that is not the requested one."""
        message = found.get("message", "") if isinstance(found, dict) else ""
        words = f"the schema registry at {self.url} answers {status} to {request}"
        words += f": {_one_line(message, 200)}" if message else ""
        if status == requests.codes.not_found and isinstance(found, dict) and "error_code" in found:
            return SchemaNotFound(words)
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            return ConfigurationError(f"{words}: check the credentials, {CREDENTIALS}")
        if status == requests.codes.conflict and request.startswith("POST"):
            return ModelRefused(f"{words}: the schema of the outputs is not compatible with the registered ones")
        if status == requests.codes.unprocessable_entity:
            return ConfigurationError(words)
        if status == requests.codes.ok:
            words = f"{words}: the body is not JSON"
        pause_s = min(float(retry_after), MAX_RETRY_AFTER_S) if retry_after.isdecimal() else None
        return SchemaRegistryUnavailable(words, retry_after_s=pause_s)


def _body(schema: RegisteredSchema) -> dict[str, str]:
    return {"schema": schema.text, "schemaType": schema.kind}


def _one_line(text: Any, size: int) -> str:
    """Return a text of the registry for an error message."""
    words = "; ".join(map(str, text)) if isinstance(text, list) else str(text)
    return " ".join(words.split())[:size]
