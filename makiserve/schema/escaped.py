"""Text with bytes that are no UTF-8: each becomes a character that nobody uses, as Arrow stumbles over the bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

FIRST = 0x10FF00
"""Byte 0x80 becomes U+10FF80, the end of the last private plane."""

ESCAPED = re.compile("[\U0010ff80-\U0010ffff]")
_ERRORS = "makiserve.escape"


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(FIRST + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _escape)


def escaped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same text as UTF-8, whatever it was."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors=_ERRORS)
    for piece in pieces:
        is_plain = piece.isascii() and not decoder.getstate()[0]
        yield piece if is_plain else decoder.decode(piece).encode()
    yield decoder.decode(b"", True).encode()


def restored(text: str) -> bytes:
    r"""What stood there.

    >>> restored(b"a\xff".decode(errors="makiserve.escape"))
    b'a\xff'
    """
    if not ESCAPED.search(text):
        return text.encode()
    return b"".join(bytes([ord(each) - FIRST]) if ESCAPED.match(each) else each.encode() for each in text)
