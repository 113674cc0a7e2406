"""Taking reference records, and what the pipeline makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.schema import Record, RecordFile, Schema
from makiserve.schema.in_memory import read_rows
from makiserve.schema.unseen import warn_of_unseen
from makiserve.scoring import Batch, Scorer
from makiserve.stream.engine.plan import Plan

ENOUGH_OUTPUTS = 32
MOST_RECORDS = 10_000
MOST_PROFILED = 100_000
STEP = 100  # records between two looks at the number of outputs


@dataclass(frozen=True)
class Sample:
    """The first records of a source, as many as it takes to see the pipeline emit.

    Attributes:
        records: in order; those that do not fit the schema are left out, as the stream leaves them out.
        features: what the pipeline emitted for them; at least one.
        profiled: what it emitted for as much of the source as is profiled.
    """

    records: tuple[Record, ...]
    features: tuple[Any, ...]
    profiled: tuple[Any, ...]


def take_sample(plan: Plan, schema: Schema, source: str | Path | Iterable[Record]) -> Sample:
    """Read records until the pipeline has emitted 32 items, or 10,000 are read; and on, for the profile, to 100,000.

    Args:
        plan: the pipeline.
        schema: of the records.
        source: a CSV, JSON lines or Parquet file, or rows in memory: records, dicts or a data frame.

    Raises:
        ConfigurationError: the source cannot be read, or the pipeline emits nothing for it.
    """
    scorer = Scorer(plan)
    lane = scorer.new_lane()
    records: list[Record] = []
    causes: list[int] = []
    features: list[Any] = []
    refused: list[Exception] = []
    file = RecordFile(Path(source), schema) if isinstance(source, str | Path) else None
    blocks: Iterable[Iterable[Any]] = file or [read_rows(source, schema)]
    remaining = _records(blocks, schema, refused)
    while len(features) < ENOUGH_OUTPUTS and (step := list(islice(remaining, min(STEP, MOST_RECORDS - len(records))))):
        scored = scorer.features(Batch(lane, step))
        causes += [len(records) + cause for cause in scored.causes]
        features += scored.features
        refused += [error for _, error in scored.dead]
        records += step
    if not features:
        first = f"; {len(refused)} were refused, the first: {refused[0]}" if refused else ""
        raise ConfigurationError(
            f"the pipeline emits nothing for the {len(records)} reference records{first}. "
            "Give a longer reference: a model is packaged with outputs that it must reproduce"
        )
    last = causes[min(ENOUGH_OUTPUTS, len(causes)) - 1]
    kept = [item for cause, item in zip(causes, features, strict=True) if cause <= last]
    rest = islice(remaining, MOST_PROFILED - len(records))
    while step := list(islice(rest, STEP)):
        features += scorer.features(Batch(lane, step)).features
    warn_of_unseen(file.unseen.names if file else (), schema.record)
    return Sample(tuple(records[: last + 1]), tuple(kept), tuple(features))


def _records(blocks: Iterable[Iterable[Any]], schema: Schema, refused: list[Exception]) -> Iterator[Record]:
    """Yield the records as a service will read them from the artifact; put errors of decoding into `refused`."""
    for item in chain.from_iterable(blocks):
        if isinstance(item, DecodeError):
            refused.append(item)
        else:
            yield _stored(item, schema)


def _stored(record: Record, schema: Schema) -> Record:
    if not isinstance(record, schema.record):
        found, expected = (f"{kind.__module__}.{kind.__qualname__}" for kind in (type(record), schema.record))
        raise ConfigurationError(f"a reference record is {found}, not {expected}")
    try:
        return schema.decode_json(schema.encode_json(record))
    except DecodeError as error:
        raise ConfigurationError(f"a reference record does not come back from JSON: {error} ({record!r})") from error
