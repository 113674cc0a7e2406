"""The reference records of a package, their outputs, and the files that hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from makiserve.errors import DecodeError, ModelRefused
from makiserve.packaging.emitted import emitted_fields
from makiserve.packaging.flavor import Flavor
from makiserve.schema import Record, Schema
from makiserve.schema.fields import field_names
from makiserve.scoring import Batch, Scored, Scorer
from makiserve.scoring.plain import plain as plain_value

Line = TypeVar("Line", bound=msgspec.Struct)


class Output(msgspec.Struct, frozen=True):
    """One output that a package must give: values as JSON holds them.

    Attributes:
        record: the index of the reference record that causes it.
        features: by the names that the pipeline emits; a float that is not finite is `"nan"`, `"inf"` or `"-inf"`.
        prediction: in the same form.
    """

    record: int
    features: dict[str, Any]
    prediction: Any


class PostedOutput(msgspec.Struct, frozen=True):
    """One output that the post pipeline of a package must give, in the form of `Output`'s values.

    Attributes:
        record: the index of the reference record that causes it.
        fields: by the names that the post pipeline emits; a plain value is `prediction`, as in the outputs.
    """

    record: int
    fields: dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Records and the outputs that they must cause; what a post pipeline makes of them, where there is one."""

    records: tuple[Record, ...]
    outputs: tuple[Output, ...]
    posted: tuple[PostedOutput, ...] = ()

    def write(self, directory: Path, flavor: Flavor, schema: Schema) -> None:
        """Store them as JSON lines, where the flavor says."""
        records = b"".join(schema.encode_json(record) + b"\n" for record in self.records)
        (directory / flavor.reference_records).parent.mkdir(exist_ok=True)
        (directory / flavor.reference_records).write_bytes(records)
        _write_lines(directory / flavor.reference_outputs, self.outputs)
        if flavor.reference_posted:
            _write_lines(directory / flavor.reference_posted, self.posted)


def read_reference(directory: Path, flavor: Flavor, schema: Schema) -> Reference:
    """The reference of a package.

    Raises:
        ModelRefused: a file is missing or damaged.
    """
    try:
        records = (directory / flavor.reference_records).read_bytes().splitlines()
        posted = flavor.reference_posted
        return Reference(
            tuple(schema.decode_json(line) for line in records),
            _read_lines(directory / flavor.reference_outputs, Output),
            _read_lines(directory / posted, PostedOutput) if posted else (),
        )
    except (OSError, DecodeError, msgspec.DecodeError) as error:
        raise ModelRefused(f"the reference records of the model cannot be read: {error}") from error


def score_reference(scorer: Scorer, records: Sequence[Record]) -> Scored:
    """Score reference records from the beginning, on the scoring path of the service."""
    (scored,) = scorer.score([Batch(scorer.new_lane(), records)])
    return scored


def outputs_from_scored(scored: Scored) -> tuple[Output, ...]:
    """The outputs in the form that is stored and compared."""
    return tuple(
        Output(cause, {name: plain(getattr(item, name)) for name in emitted_fields(type(item))}, plain(prediction))
        for cause, item, prediction in zip(scored.causes, scored.features, scored.predictions, strict=True)
    )


def posted_from_scored(scored: Scored) -> tuple[PostedOutput, ...]:
    """What the post pipeline emitted, in the form that is stored and compared."""
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
    """Convert a value to what JSON can hold, without loss: floats that are not finite by their names."""
    return _finite(plain_value(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value
