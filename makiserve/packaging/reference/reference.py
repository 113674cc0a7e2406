"""The reference records of a package, their outputs, and the files that hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from makiserve.errors import DecodeError, ModelRefused
from makiserve.packaging.emitted import emitted_fields
from makiserve.packaging.predictor import MlflowPredictor
from makiserve.schema import Record, Schema
from makiserve.scoring import Batch, Scored, Scorer
from makiserve.stream.engine.plan import Plan


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


@dataclass(frozen=True)
class Reference:
    """Records and the outputs that they must cause."""

    records: tuple[Record, ...]
    outputs: tuple[Output, ...]

    def write(self, records: Path, outputs: Path, schema: Schema) -> None:
        """Store both as JSON lines."""
        records.write_bytes(b"".join(schema.encode_json(record) + b"\n" for record in self.records))
        lines = (json.dumps(msgspec.to_builtins(output), allow_nan=False) for output in self.outputs)
        outputs.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def read_reference(records: Path, outputs: Path, schema: Schema) -> Reference:
    """The reference of a package.

    Raises:
        ModelRefused: a file is missing or damaged.
    """
    try:
        return Reference(
            tuple(schema.decode_json(line) for line in records.read_bytes().splitlines()),
            tuple(msgspec.json.decode(line, type=Output) for line in outputs.read_bytes().splitlines()),
        )
    except (OSError, DecodeError, msgspec.DecodeError) as error:
        raise ModelRefused(f"the reference records of the model cannot be read: {error}") from error


def score_reference(plan: Plan, predictor: MlflowPredictor, records: Sequence[Record]) -> Scored:
    """Score reference records from the beginning, on the scoring path of the service."""
    scorer = Scorer(plan, predictor)
    (scored,) = scorer.score([Batch(scorer.new_lane(), records)])
    return scored


def outputs_from_scored(scored: Scored) -> tuple[Output, ...]:
    """The outputs in the form that is stored and compared."""
    return tuple(
        Output(cause, {name: plain(getattr(item, name)) for name in emitted_fields(type(item))}, plain(prediction))
        for cause, item, prediction in zip(scored.causes, scored.features, scored.predictions, strict=True)
    )


def plain(value: Any) -> Any:
    """A value as JSON holds it, without loss: floats that are not finite by their names."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    return value if value is None or isinstance(value, str | int | float) else msgspec.to_builtins(value)
