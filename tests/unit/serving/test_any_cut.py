"""Any pipeline, any cut into batches, checkpoints, aborts, deaths and moves: the outputs are those of one run."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makiserve.errors import DecodeError, PredictError
from makiserve.records import Record
from makiserve.scoring import Batch, Scored, Scorer
from makiserve.serving.state.checkpoint import MARK, CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.trace import trace
from tests.unit.serving.pipelines import EVENTS, PIPELINES, Make

Item = Record | DecodeError
Outcome = list[tuple[int, Any]]


class Doubler:
    """A model of rows that are independent of each other; it refuses some."""

    inputs = ("number",)

    def check(self, row: tuple[Any, ...]) -> None:
        if row[0] == 7:
            raise PredictError("it dislikes 7")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [2 * row[0] for row in rows]


class Turn(NamedTuple):
    """What happens to a lane: a batch of records, and what becomes of it.

    Attributes:
        worker: who has the lane from now on.
        fate: whether the batch is committed, committed with a checkpoint, or with the first slice of one, aborted, or
            the worker dies with it.
    """

    records: int
    worker: int
    fate: str


TURNS = st.lists(
    st.builds(Turn, st.integers(1, 9), st.integers(0, 1), st.sampled_from(["commit", "save", "slice", "abort", "die"])),
    max_size=12,
)


class Life:
    """A lane as the service keeps it: state in memory, checkpoints in a topic, what is committed."""

    def __init__(self, scorers: list[Scorer], items: list[Item]) -> None:
        self.outcome: Outcome = []
        self.committed = 0
        self._scorers = scorers
        self._items = items
        self._topic: list[tuple[bytes, bytes | None]] = []
        self._mark: OffsetMetadata | None = None
        self._worker = 0
        self._restore()

    def turn(self, turn: Turn) -> None:
        if turn.worker != self._worker:  # the lane moves, with all that is committed
            self._worker = turn.worker
            self._restore()
        if self._writer.is_open:  # a checkpoint that was begun is continued before any record is scored
            self._write(limit_s=0)
            if turn.fate == "die":
                self._restore()
            while self._writer.is_open:
                self._write(limit_s=0)
        items = self._items[self.committed : self.committed + turn.records]
        (scored,) = self._scorer.score([Batch(self._lane, items)])
        if turn.fate in ("abort", "die"):
            self._restore()
            return
        self.outcome += outcome(scored, self.committed)
        self.committed += len(items)
        if turn.fate in ("save", "slice"):
            self._write(limit_s=0 if turn.fate == "slice" else math.inf)

    def _write(self, limit_s: float) -> None:
        """Commit what is written of a checkpoint in this time: one part at least."""
        self._topic += self._writer.write(self._lane, limit_s)
        if not self._writer.is_open:
            state = self._writer.state_id
            self._mark = OffsetMetadata(0, "", "", 1, "in", state, self.committed, self._writer.manifest)
            self._topic.append((MARK, str(self._mark).encode()))

    @property
    def _scorer(self) -> Scorer:
        return self._scorers[self._worker]

    def _restore(self) -> None:
        """The last checkpoint, and the records after it once more, in silence."""
        parts = tuple(Parts(each) for each in self._scorer.checkpoints)
        contents = Contents()
        contents.add(self._topic)
        if self._mark is None:
            self._lane, self._writer = self._scorer.new_lane(), CheckpointWriter(parts, contents.keys)
        else:
            self._lane, self._writer = contents.lane(parts, self._mark)
        start = (self._mark and self._mark.checkpoint) or 0
        self._scorer.rebuild(Batch(self._lane, self._items[start : self.committed]))


def outcome(scored: Scored, first: int) -> Outcome:
    """Outputs and dead letters with the offset of the record that caused them."""
    outputs = zip(scored.causes, scored.features, scored.predictions, strict=True)
    found: Outcome = [(first + cause, repr((features, prediction))) for cause, features, prediction in outputs]
    return found + [(first + index, repr(error)) for index, error in scored.dead]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PIPELINES, st.lists(EVENTS | st.just(DecodeError("damaged")), max_size=60), TURNS)
def test_any_cut_gives_the_outputs_of_one_run(make: Make, items: list[Item], turns: list[Turn]) -> None:
    plans = [trace(make()) for _ in range(3)]
    whole = Scorer(plans[0], Doubler())
    (expected,) = whole.score([Batch(whole.new_lane(), items)])
    life = Life([Scorer(plan, Doubler(), is_tracked=True) for plan in plans[1:]], items)
    for turn in [*turns, Turn(len(items) + 1, 1, "commit")]:
        life.turn(turn)
    assert life.committed == len(items)
    assert sorted(life.outcome) == sorted(outcome(expected, 0))
    assert [each for each in life.outcome if "Row" in each[1]] == [
        each for each in outcome(expected, 0) if "Row" in each[1]
    ]
