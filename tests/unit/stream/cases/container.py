"""Examples of the operators on file formats, and of those that only work on files."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve.stream as rs
from makiserve.stream.rxsci.container import csv, json
from tests.unit.stream.cases.case import Cases, Point


class Pair(NamedTuple):
    whole: int
    half: float


CASES: Cases = {
    "container.csv.load": [
        lambda: rx.pipe(rs.ops.map(lambda i: f"{i},{i / 2}"), csv.load(csv.create_line_parser(Pair), header=False)),
        lambda: rx.pipe(rs.ops.map(lambda i: f"{i},{i / 2}"), csv.load(csv.create_line_parser(Pair))),
        lambda: rx.pipe(rs.ops.map(lambda i: f'{i},"{i},{i}"'), csv.load(skip=2)),
        lambda: rx.pipe(
            rs.ops.map(lambda i: f"{i};{i / 2}" if i % 4 else "four"),
            csv.load(csv.create_line_parser(Pair, separator=";", ignore_error=True), skip=1, header=False),
        ),
    ],
    "container.csv.dump": [
        lambda: rx.pipe(rs.ops.map(lambda i: Point(i, i / 3)), csv.dump()),
        lambda: rx.pipe(rs.ops.map(lambda i: (i, None, 'a "quote"')), csv.dump(header=False, doublequote=True)),
    ],
    "container.json.load": [
        lambda: rx.pipe(rs.ops.map(lambda i: f'{{"i": {i}}}'), json.load()),
        lambda: rx.pipe(rs.ops.map(lambda i: f"[{i}" if i % 3 else b"[1]"), json.load(skip=1, ignore_error=True)),
    ],
    "container.json.dump": [lambda: rx.pipe(rs.ops.map(lambda i: {"i": i, "half": i / 2}), json.dump())],
}

UNTRACED = {
    "container.csv.create_line_parser": "no operator: what load takes",
    "container.csv.dump_to_file": "writes a file",
    "container.csv.load_from_file": "a source",
    "container.json.dump_to_file": "writes a file",
    "container.json.load_from_file": "a source",
    "container.parquet.dump_to_file": "writes a file",
    "container.parquet.load_from_file": "a source",
    "io.read": "a source",
    "io.walk": "a source",
    "io.write": "writes a file",
}
