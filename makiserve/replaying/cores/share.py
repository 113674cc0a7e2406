"""What a process of a replay on several cores does: it scores its sources, and writes down what became of them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from makiserve.errors import MakiserveError
from makiserve.packaging import FeaturesOnly, PackagedModel, features_only, load
from makiserve.replaying.cores.sent import Sending
from makiserve.replaying.feed import score
from makiserve.replaying.lanes import LaneBySource
from makiserve.replaying.select import Selection
from makiserve.replaying.sources import Source
from makiserve.schema import Schema
from makiserve.scoring import Beside

END = 0
"""The length of what stands for the end of a source."""


class Share(NamedTuple):
    """What a process is told.

    Attributes:
        model: the directory of a model; None for a pipeline alone.
        pipeline: the name of the pipeline; None where it was packaged with the model, or there is none.
        sources: to be scored, one after the other.
        selection: what of them is shown.
        na_values: the cells of a CSV file that are None for an optional field.
        emit: what an output holds.
        records: whether they are needed; `features` likewise.
        spool: the file to write to.
        notes: the descriptor of the pipe that says how much has been written: for each block its length in the spool
            and how much of the source has been read, for each source's end END.
        split: the directory of the challenger, and its share; None without one.
    """

    model: str | None
    pipeline: str | None
    sources: list[Source]
    selection: Selection
    na_values: frozenset[str]
    emit: Sequence[str]
    records: bool
    features: bool
    spool: Path
    notes: int = -1
    split: tuple[str, float] | None = None


def share_from(model: PackagedModel | FeaturesOnly, **told: Any) -> Share:
    """A share of a replay of a model."""
    if isinstance(model, FeaturesOnly):
        return Share(None, model.uri, **told)
    challenger, share, _ = model.beside
    assert challenger is None or isinstance(challenger, PackagedModel)  # noqa: S101  as it was loaded
    split = (str(challenger.directory), share) if challenger else None
    return Share(str(model.directory), model.pipeline, split=split, **told)


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
                for block, scored in score(lanes, schema, [source], share.selection, form):
                    notes.write(f"{spool.write(sending.pack(block, scored))} {source.read}\n")
                notes.write(f"{END} {source.read}\n")
        except MakiserveError as error:
            notes.write(f"{spool.write(pickle.dumps(error))} 0\n")


def _model(share: Share) -> PackagedModel | FeaturesOnly:
    if share.model is not None:
        model = load(share.model, features=share.pipeline)
        if share.split:
            challenger, part = share.split
            model = replace(model, beside=Beside(load(challenger, features=share.pipeline), part))
        return model
    assert share.pipeline is not None  # noqa: S101  as share_from makes it
    return features_only(share.pipeline)


def main() -> None:
    """Read the share from standard input, and do it; what the user's code prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal interrupts all of its processes: this one has no story
    share = pickle.load(sys.stdin.buffer)  # noqa: S301  our own parent's
    work(share)
