"""Whether the state of a pipeline can be saved: found out on the reference records, before a stream depends on it."""

from __future__ import annotations

from collections.abc import Sequence

from makiserve.schema import Record
from makiserve.scoring import Batch, Scorer
from makiserve.stream.engine.parts import Parts


def check_state(scorer: Scorer, records: Sequence[Record]) -> None:
    """Let records pass and save what the pipelines remember of them.

    Raises:
        StateError: a value has no code; the message names the operator.
    """
    lane = scorer.new_lane()
    scorer.rebuild(Batch(lane, records))
    for checkpoints, state in zip(scorer.checkpoints, lane.states, strict=True):
        parts = Parts(checkpoints)
        parts.join((address, part) for address, part in parts.take(state, is_whole=True) if part is not None)
