"""A stream that is made to hurt: records of odd bytes, headers, sizes, times and keys, with good ones in between.

Topics are small, so that what does not fit is cheap: see `INPUT`, `OUTPUT` and `DEAD_LETTERS`.
"""

from __future__ import annotations

import importlib
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
import rx
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

import makiserve
import makiserve.stream as rs
from tests.integration.serving.raw import Message

KEPT = {"retention_ms": "-1"}
INPUT = KEPT | {"max_message_bytes": "200000", "message_timestamp_after_max_ms": str(2**63 - 1)}
OUTPUT = KEPT | {"max_message_bytes": "50000", "cleanup_policy": "compact"}
SHADOW = KEPT | {"max_message_bytes": "40000", "cleanup_policy": "compact"}
DEAD_LETTERS = KEPT | {"max_message_bytes": "60000"}


class Row(makiserve.Record):
    number: int
    value: float
    group: str = "g"
    padding: int = 0


class Features(NamedTuple):
    number: int
    total: float
    padding: str


def features() -> makiserve.Transform:
    """Emit a running total and as much padding as a record asks for; 13 cannot be computed."""
    return rx.pipe(
        rs.ops.map(lambda row: row if row.value != 13 else 1 / 0),
        rs.ops.tee_map(
            rs.ops.map(lambda row: row.number),
            rs.math.sum(lambda row: row.value),
            rs.ops.map(lambda row: "x" * row.padding),
        ),
        rs.ops.map(lambda row: Features(*row)),
    )


REFERENCE = [Row(number, float(number % 5), padding=number % 3) for number in range(40)]
REFUSED_BY_SHADOW = 7
"""The shadow refuses features whose number ends with this digit."""


class Total(mlflow.pyfunc.PythonModel):
    """Predict the running total."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        return np.asarray(model_input["total"].to_numpy(dtype=float))


class Padding(mlflow.pyfunc.PythonModel):
    """Predict the padding, however large; some features are refused, and with them the batch that they are in."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        if (model_input["number"] % 10 == REFUSED_BY_SHADOW).any():
            raise ValueError("not this one")
        return np.asarray(model_input["padding"].to_numpy(dtype=object))


def log_models() -> None:
    """Register the versions of the model `hostile`: champion, challenger and shadow."""
    columns = Schema([ColSpec("long", "number"), ColSpec("double", "total"), ColSpec("string", "padding")])
    named = importlib.import_module("tests.integration.serving.hostile")
    for alias, model, kind in (
        ("champion", named.Total(), "double"),
        ("challenger", named.Total(), "double"),
        ("shadow", named.Padding(), "string"),
    ):
        makiserve.log_model(
            model,
            features=features,
            record=Row,
            reference=[row for row in REFERENCE if row.number % 10 != REFUSED_BY_SHADOW],
            signature=ModelSignature(columns, Schema([ColSpec(kind)])),
            registered_model_name="hostile",
            alias=alias,
            pip_requirements=["mlflow"],
        )


class Case(NamedTuple):
    """A message, and how its record ends.

    Attributes:
        reason: of the dead letter; None if it is scored.
        value: that it adds to the running total.
    """

    message: Message
    reason: str | None = None
    value: float = 0.0


Make = Callable[[random.Random, int], Case]


def good(rng: random.Random, number: int) -> Case:
    value = float(rng.randrange(5))
    return Case(Message(row(number, value), b"k%d" % number), None, value)


def row(number: int, value: float, **more: Any) -> bytes:
    return json.dumps({"number": number, "value": value} | more).encode()


def odd_bytes(rng: random.Random, number: int) -> Case:
    """Return a value that is not a record: noise, JSON of another shape, or nothing."""
    noise = rng.randbytes(rng.choice([1, 3, 100, 5_000]))
    shapes = [b"", b"\x00", b"\xff\xfe", b"null", b"[]", b"{", b"[" * 5_000, b'{"number": ' + b"9" * 5_000]
    rows = [b'{"number": 1}', b'{"number": "1", "value": 1}', b'{"number": 1.5, "value": 1}', b'{"n\xe9": 1}']
    numbers = [b'{"number": 1, "value": NaN}', b'{"number": 1, "value": 1e999}', b'{"number": 1, "value": 1}}']
    texts = [b'{"number": 1, "value": 1, "group": "\\ud800"}', b'{"number": 1, "value": 1, "group": "\xed\xa0\x80"}']
    values = [noise, noise, None, b"\xef\xbb\xbf{}", *shapes, *rows, *numbers, *texts]
    return Case(Message(rng.choice(values), rng.choice([b"k", b"", b"\xff\x00"]), odd_headers(rng)), "decode")


def odd_headers(rng: random.Random) -> tuple[tuple[bytes, bytes | None], ...]:
    names = [
        *(b"caf\xe9", b"\xff", b"\xed\xa0\x80", b"", b"ok", b"makiserve.source", b"makiserve.key", b"makiserve.time"),
        *(b"makiserve.redriven", b"makiserve.upstream.source", b"traceparent", "täg".encode(), b"%s" * 20, b"n" * 300),
    ]
    values = [b"1", b"", None, b"\xff\xfe", b"in[0]@1", b"00-zz", b"9" * 5_000]
    return tuple((rng.choice(names), rng.choice(values)) for _ in range(rng.randrange(6)))


def headers(rng: random.Random, number: int) -> Case:
    case = good(rng, number)
    many = tuple((b"h%d" % index, b"") for index in range(500)) if rng.random() < 0.1 else ()
    return case._replace(message=case.message._replace(headers=odd_headers(rng) + many))


def times(rng: random.Random, number: int) -> Case:
    """Return a record of the far past or future: its output has a time that the topic takes."""
    case, now_ms = good(rng, number), int(time.time() * 1000)
    odd = [1, 2, -1, -5, -(2**62), 2**62, 2**63 - 1, now_ms * 1000, now_ms * 1_000_000]
    odd += [now_ms + 7_200_000, now_ms + 3_599_000]
    return case._replace(message=case.message._replace(time_ms=rng.choice(odd)))


def raises(rng: random.Random, number: int) -> Case:
    return Case(Message(row(number, 13), b"k%d" % number, odd_headers(rng)), "operator")


def large_output(rng: random.Random, number: int) -> Case:
    size = rng.choice([49_950, 50_000, 70_000, 2_000_000])
    return Case(Message(row(number, 1, padding=size), b"k%d" % number, odd_headers(rng)), "publish", 1)


def large_headers(rng: random.Random, number: int) -> Case:
    size = rng.choice([50_000, 65_000, 150_000])
    return Case(Message(row(number, 2), b"k%d" % number, ((b"large", rng.randbytes(size)),)), "publish", 2)


def large_key(rng: random.Random, number: int) -> Case:
    return Case(Message(row(number, 3), rng.randbytes(rng.choice([50_000, 70_000, 150_000]))), "publish", 3)


def large_dead_letter(rng: random.Random, number: int) -> Case:
    """Return a record that cannot be decoded, and of which a dead letter cannot hold everything."""
    value, key, header = (rng.randbytes(rng.choice([10, 59_500, 62_000])) for _ in range(3))
    return Case(Message(b"\xff" + value, key, ((b"large", header), *odd_headers(rng))), "decode")


def keyless(rng: random.Random, number: int) -> Case:
    return Case(Message(row(number, 4), None, odd_headers(rng)), "publish", 4)


HOSTILE: list[Make] = [
    *(odd_bytes, odd_bytes, headers, headers, times, times, raises, large_output, large_headers, large_key),
    *(large_dead_letter, keyless),
]


def stream(seed: int, hostile: int) -> Iterator[Case]:
    """Return `hostile` hostile records, with about as many good ones in between and a good one at each end."""
    rng, number = random.Random(seed), 0
    yield good(rng, number)
    for _ in range(hostile):
        number += 1
        yield rng.choice(HOSTILE)(rng, number)
        while rng.random() < 0.5:
            number += 1
            yield good(rng, number)
    yield good(rng, number + 1)
