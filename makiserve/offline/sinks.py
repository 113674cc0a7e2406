"""Sinks for the outputs of a replay, such as a file, the metrics, a report and a notebook's data frame."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple, Protocol

import msgspec
import pandas as pd

from makiserve.errors import ConfigurationError, RecordError
from makiserve.offline.labels import SAME_RECORD, Ahead
from makiserve.offline.lane_labels import LabelColumn
from makiserve.offline.output import columns_of
from makiserve.offline.output.writers import POSITION
from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.records.unseen import warn_of_unseen
from makiserve.scoring import Outputs, Scored


class Sink(Protocol):
    """Receives every block, in order, source by source, and keeps what it needs.

    A replay on several cores calls a sink in this process, exactly as a replay on a single core does. Data that no sink
    needs is not sent between processes. If a sink keeps a bounded amount of data, memory does not grow with the length
    of the replay.

    Attributes:
        needs_records: whether it reads `block.records`. They are empty if no sink needs them.
        needs_features: whether it reads `scored.features`. They are empty if no sink needs them.
    """

    @property
    def needs_records(self) -> bool: ...
    @property
    def needs_features(self) -> bool: ...

    def take(self, block: Block, scored: Scored) -> None:
        """Take a block and its outputs; `scored.causes` and `scored.dead` hold indexes in the block."""


class ReplayedDeadLetter(NamedTuple):
    """A record that could not be scored, by its position."""

    source: str
    offset: int
    error: RecordError


def all_failed(records: int, first: ReplayedDeadLetter) -> ConfigurationError:
    """Return the error for a replay in which no record could be scored."""
    which = "the only record" if records == 1 else f"all {records:,} records"
    return ConfigurationError(
        f"{which} failed, so there is no result; the first, {first.source}@{first.offset}: {first.error}"
    )


KEPT_DEAD = 100
"""Number of dead letters that are kept if nothing is collected."""


class DeadLetters:
    """Counts dead letters by reason, and keeps the first of them.

    Args:
        keep: maximum number to keep; None keeps all.

    Attributes:
        first: the first dead letters, in order.
        reasons: number of dead letters by reason.
    """

    needs_records = False
    needs_features = False

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self.first: list[ReplayedDeadLetter] = []
        self.reasons: Counter[str] = Counter()

    def take(self, block: Block, scored: Scored) -> None:
        for index, error in scored.dead:
            self.reasons[error.reason] += 1
            if self._keep is None or len(self.first) < self._keep:
                self.first.append(ReplayedDeadLetter(block.source, block.offsets[index], error))


class Collected:
    """Keeps every output.

    Args:
        form: what is published.
        label: the attribute of the record with the true value, which is kept with each output.
        ahead: how far the record with the label is ahead of the one that caused the output.

    Attributes:
        sources: of the records that caused the outputs.
        offsets: of these records.
        keys: of these records; None for a source without keys.
        objects: the outputs that would be published.
    """

    def __init__(self, form: Outputs, *, label: str | None = None, ahead: Ahead = SAME_RECORD) -> None:
        self._form = form
        self._labels = LabelColumn(label, ahead) if label else None
        self.needs_records = form.needs_records or label is not None
        self.needs_features = form.needs_features
        self.sources: list[str] = []
        self.offsets: list[int] = []
        self.keys: list[Any] = []
        self.objects: list[Any] = []

    def take(self, block: Block, scored: Scored) -> None:
        causes, objects = self._form.objects(scored, block.records)
        self.sources += [block.source] * len(causes)
        self.offsets += [block.offsets[cause] for cause in causes]
        self.keys += [block.keys[cause] for cause in causes] if block.keys else [None] * len(causes)
        self.objects += objects
        if self._labels:
            self._labels.take(block, causes)

    def values(self) -> list[Any]:
        """Return the predictions if the outputs contain nothing else, otherwise the outputs as they are published."""
        if self._form.names == ("prediction",):
            return [output.prediction for output in self.objects]
        return [msgspec.json.decode(self._form.encode_object(output)) for output in self.objects]

    def frame(self) -> pd.DataFrame:
        """Return one row for each output: position, key if the source has keys, the output's fields, label.

        A field of the output that has one of these names is the column `output.NAME`.
        """
        columns: dict[str, Any] = {
            "source": pd.Categorical(self.sources),
            "offset": pd.Series(self.offsets, dtype="int64"),
        }
        if any(key is not None for key in self.keys):
            columns["key"] = self.keys
        columns |= columns_of(self.objects, (*POSITION, *(["label"] if self._labels else [])))
        if self._labels:
            columns["label"] = self._labels.values()
        return pd.DataFrame(columns)


class Unseen:
    """A sink that reports the optional fields that no header and no record had.

    Args:
        schema: the schema of the records.
    """

    needs_records = False
    needs_features = False

    def __init__(self, schema: Schema) -> None:
        self._record = schema.record
        self._names: frozenset[str] | None = None

    def take(self, block: Block, scored: Scored) -> None:
        self._names = block.unseen if self._names is None else self._names & block.unseen

    def report(self) -> None:
        """Log these fields if there are any."""
        warn_of_unseen(self._names or (), self._record)
