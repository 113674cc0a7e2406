"""Examples of the operators that make one text or byte string of items, and back."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from makiserve.stream.rxsci.framing import length_prefix, line
from tests.unit.stream.cases.case import Cases

CASES: Cases = {
    "framing.line.frame": [lambda: rx.pipe(rs.ops.map(str), line.frame())],
    "framing.line.unframe": [
        lambda: rx.pipe(rs.ops.map(lambda i: f"{i}\r\n{i}" if i % 3 else f"{i}"), line.unframe()),
        lambda: rx.pipe(rs.ops.map(lambda i: f"{i}\n\n{i}\n"), line.unframe()),
    ],
    "framing.length_prefix.frame": [
        lambda: rx.pipe(rs.ops.map(bytes), length_prefix.frame()),
        lambda: rx.pipe(rs.ops.map(bytes), length_prefix.frame(prefix_size=2, byteorder="big")),
    ],
    # whole items only: a window that ends inside of one is an error; test_framing_length_prefix.py cuts them
    "framing.length_prefix.unframe": [
        lambda: rx.pipe(rs.ops.map(lambda i: bytes([1, i])), length_prefix.unframe(prefix_size=1)),
        lambda: rx.pipe(rs.ops.map(lambda i: bytes([0, 2, i, i, 0, 0])), length_prefix.unframe(2, "big")),
    ],
}
