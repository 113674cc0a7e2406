"""The reference records of a package, their outputs, and the files that hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from makiserve.artifact.flavor import Flavor
from makiserve.artifact.signature import emitted_fields
from makiserve.errors import ConfigurationError, DecodeError, ModelRefused
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.arrow import ArrowStream
from makiserve.records.emitted_fields import field_names
from makiserve.records.in_memory import read_rows
from makiserve.records.lake import is_table, open_table, read_table, required_order
from makiserve.records.order import Order
from makiserve.records.unseen import UnseenFields, warn_of_unseen
from makiserve.scoring import Batch, Scored, Scorer
from makiserve.scoring.plain import plain as plain_value
from makiserve.stream.engine.plan import Plan
from makiserve.structs import thread_safe

Line = TypeVar("Line", bound=msgspec.Struct)


@thread_safe
class ReferenceOutput(msgspec.Struct, frozen=True):
    """One output that a package must reproduce, as JSON values.

    Attributes:
        record: the index of the reference record that causes it.
        features: the features by the names that the pipeline emits. A float that is not finite is `"nan"`, `"inf"` or
            `"-inf"`.
        prediction: the prediction in the same form.
    """

    record: int
    features: dict[str, Any]
    prediction: Any


@thread_safe
class PostedOutput(msgspec.Struct, frozen=True):
    """One output that the post pipeline of a package must reproduce, with values in the form of `ReferenceOutput`.

    Attributes:
        record: the index of the reference record that causes it.
        fields: the fields by the names that the post pipeline emits. A plain value is named `prediction`, as in the
            published outputs.
    """

    record: int
    fields: dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Reference records and their expected outputs, including those of a post pipeline if there is one."""

    records: tuple[Record, ...]
    outputs: tuple[ReferenceOutput, ...]
    posted: tuple[PostedOutput, ...] = ()

    def write(self, directory: Path, flavor: Flavor, schema: Schema) -> None:
        """Store the reference as JSON lines, in the files that the flavor names."""
        records = b"".join(schema.encode_json(record) + b"\n" for record in self.records)
        (directory / flavor.reference_records).parent.mkdir(exist_ok=True)
        (directory / flavor.reference_records).write_bytes(records)
        _write_lines(directory / flavor.reference_outputs, self.outputs)
        if flavor.reference_posted:
            _write_lines(directory / flavor.reference_posted, self.posted)


def read_reference(directory: Path, flavor: Flavor, schema: Schema) -> Reference:
    """Read the reference of a package.

    Raises:
        ModelRefused: a file is missing or damaged.
    """
    try:
        records = (directory / flavor.reference_records).read_bytes().splitlines()
        posted = flavor.reference_posted
        return Reference(
            tuple(schema.decode_json(line) for line in records),
            _read_lines(directory / flavor.reference_outputs, ReferenceOutput),
            _read_lines(directory / posted, PostedOutput) if posted else (),
        )
    except (OSError, DecodeError, msgspec.DecodeError) as error:
        raise ModelRefused(
            f"the reference records of the model cannot be read: {error}. Log the model again"
        ) from error


def score_reference(scorer: Scorer, records: Sequence[Record]) -> Scored:
    """Score reference records from the beginning, on the scoring path of the service."""
    (scored,) = scorer.score([Batch(scorer.new_lane(), records)])
    return scored


def outputs_from_scored(scored: Scored) -> tuple[ReferenceOutput, ...]:
    """Return the outputs in the form that is stored and compared."""
    return tuple(
        ReferenceOutput(
            cause, {name: plain(getattr(item, name)) for name in emitted_fields(type(item))}, plain(prediction)
        )
        for cause, item, prediction in zip(scored.causes, scored.features, scored.predictions, strict=True)
    )


def posted_from_scored(scored: Scored) -> tuple[PostedOutput, ...]:
    """Return the items that the post pipeline emitted, in the form that is stored and compared."""
    if scored.posted is None:
        return ()
    pairs = zip(scored.posted.causes, scored.posted.items, strict=True)
    return tuple(PostedOutput(cause, _fields(item)) for cause, item in pairs)


def _fields(item: Any) -> dict[str, Any]:
    names = field_names(type(item))
    if names is not None:
        return {name: plain(getattr(item, name)) for name in names}
    return plain(item if isinstance(item, dict) else {"prediction": item})  # type: ignore[no-any-return]  # of a dict


def _write_lines(path: Path, outputs: Iterable[msgspec.Struct]) -> None:
    lines = (json.dumps(msgspec.to_builtins(output), allow_nan=False) for output in outputs)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _read_lines(path: Path, kind: type[Line]) -> tuple[Line, ...]:
    return tuple(msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines())


def plain(value: Any) -> Any:
    """Convert a value to JSON types without loss: a float that is not finite becomes its name."""
    return _finite(plain_value(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value


ENOUGH_OUTPUTS = 32
MAX_RECORDS = 10_000
MAX_PROFILED = 100_000
STEP = 100  # the number of records between two checks of the number of outputs


@dataclass(frozen=True)
class Sample:
    """The first records of a source, enough for the pipeline to emit items.

    Attributes:
        records: the records, in order. Those that do not fit the schema are left out, as in the stream.
        features: the items that the pipeline emitted for them, at least one.
        profiled: the items that it emitted for the profiled part of the source.
        table: the table that was read, with its version; None if the source was not a table.
    """

    records: tuple[Record, ...]
    features: tuple[Any, ...]
    profiled: tuple[Any, ...]
    table: str | None = None


def take_sample(
    plan: Plan,
    schema: Schema,
    source: str | Path | ArrowStream | Iterable[Record] | Iterable[Mapping[str, Any]],
    order: Order | None = None,
) -> Sample:
    """Read the first records of a source as the reference, and more of them for the profile.

    The reference ends once the pipeline has emitted 32 items, or after 10,000 records. The profile covers up to 100,000
    records.

    Args:
        plan: the pipeline.
        schema: the schema of the records.
        source: a CSV, JSON lines or Parquet file, a table such as `delta:PATH`, or rows in memory: records, dicts or a
            data frame.
        order: sorts the rows of a table or data frame; None to keep their order.

    Raises:
        ConfigurationError: the source cannot be read, or the pipeline emits nothing for it.
    """
    scorer = Scorer(plan)
    lane = scorer.new_lane()
    records: list[Record] = []
    emitted = Scored([], [], [], [])
    refused: list[Exception] = []
    unseen = UnseenFields(schema)
    blocks, name = _blocks(source, schema, unseen, order)
    remaining = _records(blocks, schema, refused)
    while emitted.published < ENOUGH_OUTPUTS and (
        step := list(islice(remaining, min(STEP, MAX_RECORDS - len(records))))
    ):
        scored = scorer.features(Batch(lane, step))
        emitted = Scored.concat([emitted, scored.map_causes(range(len(records), len(records) + len(step)))])
        refused += [error for _, error in scored.dead]
        records += step
    if not emitted.features:
        first = f"; {len(refused)} were refused, the first: {refused[0]}" if refused else ""
        raise ConfigurationError(
            f"the pipeline emits nothing for the {len(records)} reference records{first}. Give a longer "
            "reference: a model is packaged with outputs to reproduce"
        )
    last = emitted.causes[min(ENOUGH_OUTPUTS, emitted.published) - 1]
    kept, profiled = emitted.take(lambda cause: cause <= last).features, list(emitted.features)
    rest = islice(remaining, MAX_PROFILED - len(records))
    while step := list(islice(rest, STEP)):
        profiled += scorer.features(Batch(lane, step)).features
    warn_of_unseen((blocks.unseen if isinstance(blocks, RecordFile) else unseen).names, schema.record)
    return Sample(tuple(records[: last + 1]), tuple(kept), tuple(profiled), name)


def _blocks(
    source: Any, schema: Schema, unseen: UnseenFields, order: Order | None
) -> tuple[Iterable[Sequence[Record | DecodeError]], str | None]:
    """Return the records of a source in blocks, and the name of a table with its version."""
    if not isinstance(source, str | Path):
        return read_rows(source, schema, unseen, order), None
    if not is_table(str(source)):
        return RecordFile(Path(source), schema), None
    table = open_table(str(source))
    return read_table(table, schema, unseen, required_order(order, str(source))), table.name


def _records(blocks: Iterable[Iterable[Any]], schema: Schema, refused: list[Exception]) -> Iterator[Record]:
    """Yield the records as a service will read them from the artifact, and add decoding errors to `refused`."""
    for item in chain.from_iterable(blocks):
        if isinstance(item, DecodeError):
            refused.append(item)
        else:
            yield _stored(item, schema)


def _stored(record: Record, schema: Schema) -> Record:
    if not isinstance(record, schema.record):
        actual, expected = (f"{kind.__module__}.{kind.__qualname__}" for kind in (type(record), schema.record))
        raise ConfigurationError(f"a reference record is {actual}, not {expected}: pass records of record=, or dicts")
    try:
        return schema.decode_json(schema.encode_json(record))
    except DecodeError as error:
        raise ConfigurationError(f"a reference record cannot be read back from JSON: {error} ({record!r})") from error
