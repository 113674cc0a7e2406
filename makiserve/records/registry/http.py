"""HTTP requests to a schema registry: credentials and TLS, its addresses, time limits, and what a refusal means."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError

from makiserve.errors import (
    ConfigurationError,
    MakiserveError,
    ModelRefused,
    SchemaNotFound,
    SchemaRegistryUnavailable,
)

ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"
CREDENTIALS = "--registry basic.auth.user.info=USER:PASSWORD"
OPTIONS = (
    "basic.auth.user.info",
    "bearer.auth.token",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
)
"""The properties of the connection, named as in Confluent's clients."""

TIMEOUT_S = 5.0
"""Time limit for a whole request."""

MAX_BYTES = 4 << 20
"""Maximum size of a response."""

MAX_RETRY_AFTER_S = 60.0
"""Maximum pause that a registry can ask for."""


class RegistryRequests:
    """Requests to the addresses of a schema registry.

    Args:
        url: its address; several addresses of one registry are separated by commas and tried in turn.
        options: credentials and TLS, see `OPTIONS`.

    Raises:
        ConfigurationError: an option is unknown, a file of it does not exist, or the URL is not one.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._urls = [address.strip().rstrip("/") for address in url.split(",")]
        for address in self._urls:
            if re.match(r"https?://[^/]*@", address):
                raise ConfigurationError("--schema-registry: give the credentials separately, " + CREDENTIALS)
            if not re.match(r"https?://[^/]", address):
                raise ConfigurationError(f"--schema-registry {url}: expected http://… or https://…")
        self._answering = 0
        self._session = session_from(options or {})

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the first address that answers and return the JSON of the answer.

        Raises:
            SchemaNotFound: the registry has no such subject or schema.
            SchemaRegistryUnavailable: the registry does not answer as it should.
            ModelRefused: the registry refuses a schema as not compatible.
            ConfigurationError: the registry refuses the schema or the credentials.
        """
        errors: list[SchemaRegistryUnavailable] = []
        first, count = self._answering, len(self._urls)  # several threads send requests
        for place in (number % count for number in range(first, first + count)):
            try:
                answer = self._ask(method, self._urls[place], path, body)
            except SchemaRegistryUnavailable as error:
                errors.append(error)
            else:
                self._answering = place
                return answer
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
            words = one_line(re.sub(r"^.*?(?:object at 0x\w+>|\)): ", "", str(cause)), 200)
            raise SchemaRegistryUnavailable(f"the schema registry at {self.url} does not answer: {words}") from error
        try:
            decoded = msgspec.json.decode(answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            decoded = None
        if status == requests.codes.ok and isinstance(decoded, (dict, list)):
            return decoded
        raise self._refusal(status, decoded, f"{method} {path}", headers.get("Retry-After", ""))

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

    def _refusal(self, status: int, decoded: Any, request: str, retry_after: str) -> MakiserveError:
        """Return the error for an answer that is not the requested one."""
        message = decoded.get("message", "") if isinstance(decoded, dict) else ""
        words = f"the schema registry at {self.url} answers {status} to {request}"
        words += f": {one_line(message, 200)}" if message else ""
        if status == requests.codes.not_found and isinstance(decoded, dict) and "error_code" in decoded:
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


def one_line(text: Any, size: int) -> str:
    """Return a text of the registry for an error message."""
    words = "; ".join(map(str, text)) if isinstance(text, list) else str(text)
    return " ".join(words.split())[:size]


def session_from(options: Mapping[str, str]) -> requests.Session:
    """Return a session with the credentials and certificates of the options.

    Raises:
        ConfigurationError: an option is unknown, cannot be sent, or names a file that does not exist.
    """
    _check(options)
    session = requests.Session()
    session.headers.update({"Accept": ACCEPT, "Accept-Encoding": "identity"})  # a compressed answer could be a bomb
    if user_info := options.get("basic.auth.user.info"):
        user, _, password = user_info.partition(":")
        session.auth = HTTPBasicAuth(user.encode(), password.encode())  # in UTF-8, as in RFC 7617
    if token := options.get("bearer.auth.token"):
        session.headers["Authorization"] = f"Bearer {token}"
    if authority := options.get("ssl.ca.location"):
        session.verify = authority
    if certificate := options.get("ssl.certificate.location"):
        key = options.get("ssl.key.location")
        session.cert = (certificate, key) if key else certificate
    return session


def _check(options: Mapping[str, str]) -> None:
    """Check the options of the connection, without a secret in the error.

    Raises:
        ConfigurationError: one is unknown, cannot be sent, or names a file that does not exist.
    """
    for name, value in options.items():
        if name not in OPTIONS:
            raise ConfigurationError(f"--registry {name}: expected one of {', '.join(OPTIONS)}")
        if name.startswith("ssl.") and not Path(value).exists():
            raise ConfigurationError(f"--registry {name}={value}: the file does not exist")
        if not name.startswith("ssl.") and not (value.isprintable() and (value.isascii() or name.startswith("basic."))):
            raise ConfigurationError(f"--registry {name}: it has characters that cannot be in an HTTP header")
    if "ssl.key.location" in options and "ssl.certificate.location" not in options:
        raise ConfigurationError("--registry ssl.key.location needs ssl.certificate.location, the certificate")
