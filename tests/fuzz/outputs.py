"""Outputs of any value, headers of dead letters, values of options."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import ConfigurationError, RecordError, SourceError
from makiserve.kafka.offset_range import place_from_text
from makiserve.offline.output.parquet_writer import ParquetWriter
from makiserve.offline.output.writers import CsvWriter, JsonLinesWriter
from makiserve.scoring import Outputs, Scored
from makiserve.serving.dead_letters.dead_letter import dead_letter_from_message
from makiserve.settings.text import value_from_text
from tests.fuzz.inputs import Features, Reading, damaged, odd

OUTPUTS = Outputs(Reading, Features._fields, emit=("prediction", "features"), has_model=True, has_post=False)


class Received(NamedTuple):
    """A message of a dead-letter topic."""

    raw_headers: list[tuple[str, bytes]] | None

    def topic(self) -> str:
        return "dead-letters"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return b"\xff"

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.raw_headers

    def timestamp(self) -> tuple[int, int]:
        return 1, -1


def fuzz_dead_letters(random: Random) -> None:
    good = [("makiserve.source", b"house[0]@5"), ("makiserve.reason", b"decode"), ("makiserve.time", b"1")]
    names = ["makiserve.source", "makiserve.redriven", "makiserve.time", "x", "é"]
    record_headers = [(random.choice(names), damaged(random, b"5")) for _ in range(random.randrange(4))]
    added = [(name, damaged(random, value) if random.random() < 0.3 else value) for name, value in good]
    dead_letter = dead_letter_from_message(Received([*record_headers, *added]))
    if dead_letter:
        dead_letter.redriven_headers()


def fuzz_settings(random: Random) -> None:
    text = damaged(random, random.choice((b"100ms", b"64MB", b"2026-11-25T10:00Z", b"earliest"))).decode(
        errors="replace"
    )
    with suppress(ValueError):
        value_from_text(random.choice((timedelta, int, float, bool)), text)
    with suppress(ConfigurationError):
        place_from_text(text)


def fuzz_outputs(random: Random) -> None:
    """Whatever a model gives is an output or a dead letter. An output can be written in every format."""
    count = random.randrange(1, 4)
    scored = Scored(
        list(range(count)), [Features(odd(random), 1) for _ in range(count)], [odd(random) for _ in range(count)], []
    )
    records: list[Any] = [None] * count
    encoded = OUTPUTS.encode(scored, records)
    assert sorted({*encoded.causes, *(index for index, _ in encoded.dead)}) == list(range(count))
    assert all(isinstance(error, RecordError) for _, error in encoded.dead)
    for value in encoded.values:
        msgspec.json.decode(value)
    OUTPUTS.encode_shadow(odd(random))
    causes, objects = OUTPUTS.objects(OUTPUTS.writable(scored, records), records)
    for writer_of in (CsvWriter, JsonLinesWriter, ParquetWriter) if causes else ():
        with suppress(SourceError):
            writer = writer_of(io.BytesIO(), ["offset"], OUTPUTS)
            writer.write({"source": ["x"] * len(causes), "offset": list(causes)}, list(objects))
            writer.close()
