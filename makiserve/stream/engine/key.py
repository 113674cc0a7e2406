"""Keys of groups: which of them are equal, and how large they may be."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

import msgspec

KEY_BYTES = 64_000
"""Maximum size of a key. A checkpoint stores it as the key of a message, which brokers limit to 1 MB with its value."""


def new_key(key: Any) -> Any:
    """Return the key under which a new group is stored.

    Raises:
        ValueError: the key is too large, or is text that has no UTF-8 form.
    """
    stored = same_key(key)
    try:
        size = len(msgspec.msgpack.encode(stored, enc_hook=repr))
    except OverflowError:  # an integer that has more than 64 bits
        size = len(hex(stored) if isinstance(stored, int) else repr(stored))
    if size > KEY_BYTES:
        raise ValueError(f"a group's key has {size:,} bytes (limit {KEY_BYTES:,})")
    return stored


def same_key(key: Any) -> Any:
    """Return the key with one object for each NaN, which is not equal to itself and so would never be found."""
    if isinstance(key, Number):
        return math.nan if key != key else key
    if isinstance(key, tuple):
        elements = [same_key(element) for element in key]
        return key._make(elements) if hasattr(key, "_make") else tuple(elements)
    return key
