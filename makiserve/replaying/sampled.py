"""A bounded part of what a replay saw, for people to look at: features, and records that became dead letters."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import DecodeError
from makiserve.replaying.sources import Block
from makiserve.schema.fields import field_names, field_values
from makiserve.scoring import Scored

MOST_ROWS = 20_000
EXAMPLES = 3
LONGEST = 600


class SampledFeatures:
    """Keeps the features of evenly spaced outputs: of all at first, of every second once there are 20,000, and so on.

    Attributes:
        rows: the kept features, as tuples.
        names: of their fields; empty where the pipeline emits none with names.
    """

    needs_records = False
    needs_features = True

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.names: tuple[str, ...] = ()
        self._count = 0
        self._step = 1

    def take(self, block: Block, scored: Scored) -> None:
        if scored.features and not self.names:
            self.names = field_names(type(scored.features[0])) or ()
        if self.names:
            chosen = scored.features[-self._count % self._step :: self._step]
            self.rows += [tuple(field_values(item, self.names)) for item in chosen]
            self._count += len(scored.features)
        while len(self.rows) >= MOST_ROWS:
            del self.rows[1::2]
            self._step *= 2

    def columns(self) -> dict[str, list[Any]]:
        """The values of each field."""
        return dict(zip(self.names, map(list, zip(*self.rows, strict=True)), strict=True)) if self.rows else {}


class Example(NamedTuple):
    """A record that became a dead letter.

    Attributes:
        record: as JSON, shortened; None where its bytes could not be read as one.
    """

    source: str
    offset: int
    reason: str
    error: str
    record: str | None


class DeadExamples:
    """Counts dead letters by reason and error, and keeps the first three records of each reason.

    Attributes:
        reasons: how many there are of each.
        examples: in the order in which they came.
    """

    needs_records = True
    needs_features = False

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.examples: list[Example] = []

    def take(self, block: Block, scored: Scored) -> None:
        for index, error in scored.dead:
            self.reasons[error.reason] += 1
            if self.reasons[error.reason] <= EXAMPLES:
                record = block.records[index]
                text = None if isinstance(record, DecodeError) else as_text(record)
                self.examples.append(Example(block.source, block.offsets[index], error.reason, str(error), text))


def as_text(record: Any) -> str:
    """A record as JSON, at most 600 characters of it."""
    text = msgspec.json.encode(record).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
