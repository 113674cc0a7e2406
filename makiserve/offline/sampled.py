"""Bounded samples of a replay for the report: features, and records that became dead letters."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import DecodeError
from makiserve.offline.sources import Block
from makiserve.records.emitted_fields import field_names, field_values
from makiserve.scoring import Scored
from makiserve.scoring.drift import Drift, FeatureDrift, Profile, Reservoir

MAX_ROWS = 20_000
EXAMPLES = 3
MAX_SHOWN = 600


class SampledFeatures:
    """Counts the features of all outputs by the training's bins, and keeps a random sample of 20,000 for the plots.

    Args:
        profile: of the training; None without a model.

    Attributes:
        names: of the fields; empty if the pipeline's items have no names.
    """

    needs_records = False
    needs_features = True

    def __init__(self, profile: Profile | None) -> None:
        self.names: tuple[str, ...] = ()
        self._drift = Drift(profile) if profile else None
        self._sample = Reservoir(MAX_ROWS)

    def take(self, block: Block, scored: Scored) -> None:
        if not scored.features:
            return
        self.names = self.names or field_names(type(scored.features[0])) or ()
        if self.names:
            self._sample.add(scored.features)
            if self._drift:
                self._drift.observe(scored.features, ())

    def columns(self) -> dict[str, list[Any]]:
        """Return the sampled values of each field."""
        rows = [field_values(item, self.names) for (item,) in self._sample.rows]
        return dict(zip(self.names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}

    def drift(self) -> dict[str, FeatureDrift]:
        """Return the drift from the training for each feature that the training had."""
        drifts = self._drift.report() if self._drift else []
        return {feature.name: feature for feature in drifts if feature.name in self.names}


class Example(NamedTuple):
    """A record that became a dead letter.

    Attributes:
        record: as JSON, shortened; None if its bytes could not be decoded.
    """

    source: str
    offset: int
    reason: str
    error: str
    record: str | None


class DeadExamples:
    """Counts dead letters by reason, and keeps the first three records of each reason.

    Attributes:
        reasons: number of dead letters by reason.
        examples: in order of arrival.
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
    """Return a record as JSON, cut at 600 characters."""
    text = msgspec.json.encode(record).decode()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
