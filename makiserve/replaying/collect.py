"""The outputs of a replay in memory: columns, and a frame of them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import msgspec
import pandas as pd

from makiserve.errors import RecordError
from makiserve.replaying.output import columns_of
from makiserve.replaying.sources import Block
from makiserve.scoring import Outputs, Scored


class DeadLetter(NamedTuple):
    """A record that could not be scored, by its position."""

    source: str
    offset: int
    error: RecordError


class DeadLetters:
    """Counts dead letters by reason, and keeps the first of them.

    Args:
        keep: how many at most; None keeps all.

    Attributes:
        letters: those that are kept, in order.
        reasons: how many there are of each reason.
    """

    needs_records = False
    needs_features = False

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self.letters: list[DeadLetter] = []
        self.reasons: Counter[str] = Counter()

    def take(self, block: Block, scored: Scored) -> None:
        for index, error in scored.dead:
            self.reasons[error.reason] += 1
            if self._keep is None or len(self.letters) < self._keep:
                self.letters.append(DeadLetter(block.source, block.offsets[index], error))


class Collected:
    """Keeps every output.

    Args:
        form: what is published.
        label: the attribute of the record that caused an output, to be kept beside it.

    Attributes:
        sources: of the records that caused the outputs; `offsets` and `keys` likewise.
        keys: None where the source has none.
        objects: what would be published.
        labels: empty without a label.
    """

    def __init__(self, form: Outputs, *, label: str | None = None) -> None:
        self._form = form
        self._label = label
        self.needs_records = form.needs_records or label is not None
        self.needs_features = form.needs_features
        self.sources: list[str] = []
        self.offsets: list[int] = []
        self.keys: list[Any] = []
        self.objects: list[Any] = []
        self.labels: list[Any] = []

    def take(self, block: Block, scored: Scored) -> None:
        causes, objects = self._form.objects(scored, block.records)
        self.sources += [block.source] * len(causes)
        self.offsets += [block.offsets[cause] for cause in causes]
        self.keys += [block.keys[cause] for cause in causes] if block.keys else [None] * len(causes)
        self.objects += objects
        if self._label:
            self.labels += [getattr(block.records[cause], self._label) for cause in causes]

    def values(self) -> list[Any]:
        """The predictions, where the outputs are nothing but these; otherwise the outputs as they are published."""
        if self._form.names == ("prediction",):
            return [each.prediction for each in self.objects]
        return [msgspec.json.decode(self._form.encode_object(each)) for each in self.objects]

    def frame(self) -> pd.DataFrame:
        """One row for each output: position, key where the source has keys, the output's fields, label."""
        columns: dict[str, Any] = {
            "source": pd.Categorical(self.sources),
            "offset": pd.Series(self.offsets, dtype="int64"),
        }
        if any(key is not None for key in self.keys):
            columns["key"] = self.keys
        columns |= columns_of(self.objects)
        if self._label:
            columns["label"] = self.labels
        return pd.DataFrame(columns)
