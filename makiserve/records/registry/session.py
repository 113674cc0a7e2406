"""The HTTP session with a schema registry: credentials and TLS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import requests
from requests.auth import HTTPBasicAuth

from makiserve.errors import ConfigurationError

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
