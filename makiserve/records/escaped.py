"""Text with bytes that are not UTF-8. Each such byte becomes an unused character, because Arrow cannot read it."""

from __future__ import annotations

import codecs
import re

FIRST = 0x10FF00
"""Byte 0x80 becomes U+10FF80, the end of the last private plane."""

ESCAPED = re.compile("[\U0010ff80-\U0010ffff]")
_ERRORS = "makiserve.escape"


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(FIRST + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _escape)


def escaped(text: bytes) -> bytes:
    """Return a text as UTF-8, with each invalid byte escaped."""
    return text if text.isascii() else text.decode(errors=_ERRORS).encode()


def restored(text: str) -> bytes:
    r"""Return the bytes that a text had before it was escaped.

    >>> restored(escaped(b"a\xff").decode())
    b'a\xff'
    """
    if not ESCAPED.search(text):
        return text.encode()
    return b"".join(
        bytes([ord(character) - FIRST]) if ESCAPED.match(character) else character.encode() for character in text
    )
