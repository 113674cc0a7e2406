"""Replay: sources through the scorer, as they would be served."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from makiserve.errors import ConfigurationError
from makiserve.packaging import FeaturesOnly, PackagedModel, load
from makiserve.replaying.collect import Collected, DeadLetters
from makiserve.replaying.feed import Progress, feed
from makiserve.replaying.metrics import measure
from makiserve.replaying.observed import Observer, Watched
from makiserve.replaying.output import predictions_file
from makiserve.replaying.replayed import Replayed
from makiserve.replaying.sink import Sink
from makiserve.replaying.sources import Given, sources_from
from makiserve.schema import Schema

KEPT_DEAD = 100
"""Dead letters that are kept where nothing is collected."""


def replay(
    model: str | PackagedModel | FeaturesOnly,
    source: Given,
    *,
    output: str | Path | None = None,
    label: str | None = None,
    emit: Sequence[str] = (),
    features: bool = False,
    collect: bool = True,
    sinks: Sequence[Sink] = (),
    progress: Progress | None = None,
) -> Replayed:
    """Score records as lanes of the service would, by the same code.

    Args:
        model: the URI of a packaged model, one that is loaded, or a pipeline alone (`features_only`).
        source: a file, a pattern, a folder of part files, several of these, or records; each file is a lane.
        output: a CSV file for the predictions; it appears only when it is whole.
        label: the field of the record to measure the predictions against: its value in the record that caused the
            prediction.
        emit: what an output holds, as for a service: see `makiserve.scoring.Outputs`.
        features: whether the result holds the features, too.
        collect: whether the result holds the outputs; without, a replay of any length takes the same memory.
        sinks: what else is to be given the outputs.
        progress: is told of each block of rows.

    Raises:
        ConfigurationError: the label is no field, a source cannot be read or the output not be written.
        ModelRefused: the model cannot be loaded.
    """
    packaged = load(model) if isinstance(model, str) else model
    if label and packaged.predictor is None:
        raise ConfigurationError(f"--label {label}: {packaged.uri} is a pipeline without a model, and predicts nothing")
    schema = Schema(packaged.record)
    attribute = attribute_of(schema, label, "--label") if label else None
    collected = Collected(label=attribute, features=features) if collect else None
    observer = Observer(Watched(attribute)) if attribute else None
    dead, path = DeadLetters(None if collect else KEPT_DEAD), Path(output) if output else None
    start = time.perf_counter()
    with predictions_file(path, packaged.outputs(emit)) as writer:
        taking = [sink for sink in (dead, collected, observer, writer, *sinks) if sink is not None]
        fed = feed(packaged.scorer(), schema, sources_from(source), taking, progress)
    return Replayed(
        rows=fed.records,
        written=fed.outputs,
        dead=dead.letters,
        reasons=dead.reasons,
        seconds=time.perf_counter() - start,
        metrics=measure(observer.observed(), packaged.predictor.task) if observer and packaged.predictor else None,
        output=path,
        collected=collected,
    )


def attribute_of(schema: Schema, name: str, option: str) -> str:
    """The attribute of a field that the user names as the code or as the data does.

    Raises:
        ConfigurationError: the record has no such field.
    """
    for declared in schema.fields:
        if name in (declared.name, declared.encode_name):
            return declared.name
    names = ", ".join(declared.encode_name for declared in schema.fields)
    raise ConfigurationError(f"{option} {name}: {schema.record.__qualname__} has no such field; it has {names}")
