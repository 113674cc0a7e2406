"""RxSci drops what has come of an item when the stream ends; too long an item is reported, and then written."""

from __future__ import annotations

from typing import Any

import rx

from makiserve.errors import DecodeError
from makiserve.stream.rxsci.framing import length_prefix


def outcome(items: list[bytes], step: Any) -> list[Any]:
    notifications: list[Any] = []
    rx.from_(items).pipe(step).subscribe(notifications.append, notifications.append)
    return notifications


def test_every_incomplete_framed_item_is_an_error() -> None:
    item, error = outcome([b"\x01a\x05b"], length_prefix.unframe(prefix_size=1))
    assert item == b"a"
    assert isinstance(error, DecodeError)
    assert "2 bytes" in str(error)


def test_an_item_that_is_too_long_is_an_error() -> None:
    longest, error = outcome([bytes(255), bytes(256), b"a"], length_prefix.frame(prefix_size=1))
    assert longest == b"\xff" + bytes(255)
    assert isinstance(error, ValueError)
    assert "256 bytes" in str(error)
