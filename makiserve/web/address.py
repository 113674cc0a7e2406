"""Where the web pages are."""

from __future__ import annotations

from typing import NamedTuple

from makiserve.errors import ConfigurationError

OFF = "off"


class Address(NamedTuple):
    """Where to listen.

    Attributes:
        host: a name or an address.
        port: 0 for any that is free.
        is_default: whether nobody asked for it: another port will do where it is taken.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    is_default: bool = True


def address_from_text(text: str | None) -> Address | None:
    """The address that `--http` names; None where there shall be no pages.

    Args:
        text: `host:port`, or `off`; None where nobody said.

    Raises:
        ConfigurationError: it is neither.
    """
    if text is None:
        return Address()
    if text == OFF:
        return None
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ConfigurationError(f"--http {text}: expected HOST:PORT, such as 0.0.0.0:8080 or [::1]:8080, or {OFF}")
    return Address(host.strip("[]"), int(port), is_default=False)
