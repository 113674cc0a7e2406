"""The outputs of a replay in memory: columns, and a frame of them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import pandas as pd

from makiserve.errors import PipelineError, RecordError
from makiserve.replaying.sources import Block
from makiserve.schema.fields import field_names, field_values
from makiserve.scoring import Scored


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
    """Keeps every output, in columns.

    Args:
        label: the attribute of the record that caused an output, to be kept beside it.
        features: whether to keep the features.

    Attributes:
        sources: of the records that caused the outputs; `offsets` and `keys` likewise.
        keys: None where the source has none.
        predictions: None for each without a model.
        labels: empty without a label.
        features: empty unless asked for.
    """

    def __init__(self, *, label: str | None = None, features: bool = False) -> None:
        self._label = label
        self.needs_records = label is not None
        self.needs_features = features
        self.sources: list[str] = []
        self.offsets: list[int] = []
        self.keys: list[Any] = []
        self.predictions: list[Any] = []
        self.labels: list[Any] = []
        self.features: list[Any] = []

    def take(self, block: Block, scored: Scored) -> None:
        causes = scored.causes
        self.sources += [block.source] * len(causes)
        self.offsets += [block.offsets[cause] for cause in causes]
        self.keys += [block.keys[cause] for cause in causes] if block.keys else [None] * len(causes)
        self.predictions += scored.predictions
        if self._label:
            self.labels += [getattr(block.records[cause], self._label) for cause in causes]
        if self.needs_features:
            self.features += scored.features

    def frame(self) -> pd.DataFrame:
        """One row for each output: position, key where the source has keys, prediction, label and features."""
        columns: dict[str, Any] = {
            "source": pd.Categorical(self.sources),
            "offset": pd.Series(self.offsets, dtype="int64"),
        }
        if any(key is not None for key in self.keys):
            columns["key"] = self.keys
        if any(prediction is not None for prediction in self.predictions):
            columns["prediction"] = self.predictions
        if self._label:
            columns["label"] = self.labels
        return pd.concat([pd.DataFrame(columns), features_columns(self.features)], axis=1)


def features_columns(features: list[Any]) -> pd.DataFrame:
    """A column for each field of what a pipeline emitted.

    Raises:
        PipelineError: it emits items without named fields.
    """
    if not features:
        return pd.DataFrame()
    names = field_names(type(features[0]))
    if names is None:
        raise PipelineError(
            f"the pipeline emits {type(features[0]).__name__}: a frame needs a named tuple, Record or dataclass"
        )
    return pd.DataFrame([field_values(item, names) for item in features], columns=list(names))
