"""A scored block as bytes for another process. Records are msgpack, at a tenth of the cost of pickle."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from makiserve.artifact import FeaturesOnly, PackagedModel, features_only, load
from makiserve.errors import ConfigurationError, DecodeError, MakiserveError
from makiserve.offline.feed import Selection, score
from makiserve.offline.lanes import LaneBySource
from makiserve.offline.sources import Block, Source
from makiserve.records import Schema
from makiserve.records.order import Order
from makiserve.scoring import ModelGroup, Scored

UNPICKLABLE = (pickle.PicklingError, AttributeError, TypeError)
"""The errors that pickle raises on an object that is not defined at the top of a module."""


class Sending:
    """Both ends of the transfer from one process to another.

    Args:
        schema: of the records.
        records: whether records are sent.
        features: whether features are sent.
    """

    def __init__(self, schema: Schema, *, records: bool, features: bool) -> None:
        self._records = records
        self._features = features
        self._decoder = msgspec.msgpack.Decoder(list[schema.record | None])  # type: ignore[name-defined]  # at run time

    def pack(self, block: Block, scored: Scored) -> bytes:
        """Encode a block and its outputs.

        Raises:
            ConfigurationError: an object cannot be pickled.
        """
        records, errors = b"", {}
        if self._records:
            errors = {index: record for index, record in enumerate(block.records) if isinstance(record, DecodeError)}
            sound = (
                [None if index in errors else record for index, record in enumerate(block.records)] if errors else None
            )
            records = msgspec.msgpack.encode(sound or list(block.records))
        shown = scored if self._features else scored._replace(features=[])
        try:
            return pickle.dumps((block._replace(records=()), shown, records, errors))
        except UNPICKLABLE as error:
            raise ConfigurationError(
                f"the pipeline emits values that cannot be sent between processes: {error}. Define their class at "
                "the top level of a module, or replay in one process: makiserve.replay(…, processes=1)"
            ) from None

    def unpack(self, data: bytes) -> tuple[Block, Scored]:
        """Decode a block and its outputs.

        Raises:
            MakiserveError: the other process failed and sent its error instead of a block.
        """
        content: Any = pickle.loads(data)  # noqa: S301  our own child's
        if isinstance(content, MakiserveError):
            raise content
        block, scored, records, errors = content
        if not records:
            return block, scored
        decoded: list[Any] = self._decoder.decode(records)
        for index, error in errors.items():
            decoded[index] = error
        return block._replace(records=decoded), scored


END = 0
"""The length that marks the end of a source."""


class Share(NamedTuple):
    """The part of a replay that one process does.

    Attributes:
        model: the directory of a model; None for a pipeline alone.
        pipeline: the name of the pipeline; None if it was packaged with the model, or there is none.
        sources: the sources to score, one after the other.
        selection: the part of the records whose outputs are sent.
        order: the order that the lanes must have; None to accept any.
        na_values: the cells of a CSV file that are None for an optional field.
        emit: what an output holds.
        records: whether a sink needs records.
        features: whether a sink needs features.
        spool: the file to write to.
        notes: the file descriptor of the pipe that reports progress. Each line has the length of a block in the spool,
            or END at the end of a source, and how much of the source has been read.
        split: the directory of the challenger, and its share; None without a challenger.
    """

    model: str | None
    pipeline: str | None
    sources: list[Source]
    selection: Selection
    order: Order | None
    na_values: frozenset[str]
    emit: Sequence[str]
    records: bool
    features: bool
    spool: Path
    notes: int = -1
    split: tuple[str, float] | None = None


def share_from(model: PackagedModel | FeaturesOnly, **arguments: Any) -> Share:
    """Return a share of a replay of a model."""
    if isinstance(model, FeaturesOnly):
        return Share(None, model.uri, **arguments)
    challenger, share, _ = model.companions
    assert challenger is None or isinstance(challenger, PackagedModel)  # noqa: S101  as it was loaded
    split = (str(challenger.directory), share) if challenger else None
    return Share(str(model.directory), model.pipeline, split=split, **arguments)


def work(share: Share) -> None:
    """Score the sources of a share."""
    with share.spool.open("wb", buffering=0) as spool, os.fdopen(share.notes, "w", buffering=1) as notes:
        try:
            model = _model(share)
            schema, form = Schema(model.record, share.na_values), model.outputs(share.emit)
            lanes, sending = (
                LaneBySource(model.scorer()),
                Sending(schema, records=share.records, features=share.features),
            )
            for source in share.sources:
                for block, scored in score(lanes, schema, [source], share.selection, form, share.order):
                    notes.write(f"{spool.write(sending.pack(block, scored))} {source.read}\n")
                notes.write(f"{END} {source.read}\n")
        except MakiserveError as error:
            notes.write(f"{spool.write(pickle.dumps(error))} 0\n")


def _model(share: Share) -> PackagedModel | FeaturesOnly:
    if share.model is not None:
        model = load(share.model, features=share.pipeline)
        if share.split:
            challenger, part = share.split
            model = replace(model, companions=ModelGroup(load(challenger, features=share.pipeline), part))
        return model
    assert share.pipeline is not None  # noqa: S101  as share_from makes it
    return features_only(share.pipeline)


def main() -> None:
    """Read the share from standard input and score it. The output of the user's code goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C interrupts all processes: no traceback here
    share = pickle.load(sys.stdin.buffer)  # noqa: S301  our own parent's
    work(share)
