"""Headers of any bytes, on a message that behaves as confluent_kafka's do."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from confluent_kafka import Message

from makiserve.kafka.message import read_headers

HOLE = object()


def header(name: object, value: bytes | None) -> tuple[Any, Any]:
    """Return a pair as the client makes it. A hole in it must not be touched: that ends the process."""
    new = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_ssize_t)(("PyTuple_New", ctypes.pythonapi))
    put = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.py_object)(
        ("PyTuple_SetItem", ctypes.pythonapi)
    )
    pair = new(2)
    for index, part in enumerate((name, value)):
        if part is not HOLE:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(part))
            put(pair, index, part)
    return ctypes.cast(pair, ctypes.py_object).value


class Damaged:
    """Raises at the first call, and gives what it has at the second."""

    def __init__(self, raw_headers: list[tuple[Any, Any]] | None, error: type[Exception] = SystemError) -> None:
        self.raw_headers, self.error = raw_headers, error
        self.calls = 0

    def headers(self) -> list[tuple[Any, Any]] | None:
        self.calls += 1
        if self.calls == 1:
            raise self.error("utf-8", b"caf\xe9", 3, 4, "end")
        return self.raw_headers

    def set_headers(self, raw_headers: list[tuple[Any, Any]]) -> None:
        self.raw_headers = raw_headers


def test_headers_are_read_as_they_are() -> None:
    headers: Any = [("a", b"1"), ("", None)]
    assert read_headers(Message(headers=headers)) == (headers, 0)
    assert read_headers(Message()) == ([], 0)


def test_headers_whose_name_is_not_utf_8_are_dropped_and_counted_once() -> None:
    raw_headers = [header("a", b"1"), header(HOLE, b"2"), header(HOLE, None), header("b", None), header("c", b"3")]
    message: Any = Damaged(raw_headers)
    readable = [("a", b"1"), ("b", None), ("c", b"3")]
    assert read_headers(message) == (readable, 2)
    assert read_headers(message) == (readable, 0)


@pytest.mark.parametrize("error", [SystemError, UnicodeDecodeError])
def test_a_client_that_keeps_nothing_gives_no_headers(error: type[Exception]) -> None:
    message: Any = Damaged(None, error)
    assert read_headers(message) == ([], 0)
