"""The partitions of this process: how they come, begin, go back and go.

A partition's state is rebuilt by scoring its records once more, silently, from where the state began up to the
committed offset. Where it began is committed with the offset.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Literal

from makiserve.errors import StateError
from makiserve.kafka import InputConsumer, Watermarks
from makiserve.scoring import Scorer
from makiserve.serving.commit import mark_from_text
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.patience import CALL, Patience

logger = logging.getLogger(__name__)


class Assignment:
    """The partitions that the group has given to this process.

    Args:
        start: where a partition begins that was never committed.
    """

    def __init__(
        self,
        consumer: InputConsumer,
        scorer: Scorer,
        start: Literal["earliest", "latest"],
        patience: Patience,
    ) -> None:
        self.partitions: dict[int, Partition] = {}
        self._consumer = consumer
        self._scorer = scorer
        self._start = start
        self._patience = patience

    def add(self, numbers: Iterable[int]) -> dict[int, int]:
        """Partitions have come; for each the offset to start at: where its state began.

        Raises:
            StateError: the records from which the state must be rebuilt are gone.
            BrokerUnavailable: the broker does not say where the group is.
        """
        came = [Partition(self._consumer.topic, number) for number in numbers]
        for each in came:
            each.restore(self._scorer.new_lane(), *self._bounds(each))
        self.partitions |= {each.number: each for each in came}
        return {each.number: each.origin for each in came}

    def rewind(self) -> None:
        """Nothing since the last commit has happened: all partitions restore the state that they had there."""
        for each in self.partitions.values():
            each.restore(self._scorer.new_lane(), each.origin, each.committed)
            self._consumer.move(each.number, each.origin)

    def drop(self, numbers: Iterable[int], phase: Phase) -> None:
        """Partitions are gone, with their state."""
        for number in numbers:
            self.partitions.pop(number).move(phase)

    def _bounds(self, each: Partition) -> tuple[int, int]:
        """Where the state begins, and up to where its records are committed."""
        # The committed offset first: asking for it waits for the previous owner's open transaction.
        found = self._patience.insist(partial(self._consumer.committed, each.number, CALL))
        ends = self._patience.insist(partial(self._consumer.watermarks, each.number, CALL))
        each.is_new = found.offset is None
        if found.offset is None:
            first = ends.low if self._start == "earliest" else ends.high
            return first, first
        mark = mark_from_text(found.metadata)
        if mark is None:
            logger.warning("%s: offset %d was committed by another program: the state begins empty", each, found.offset)
        if mark is None or self._scorer.stateless:
            return found.offset, found.offset
        if mark.plan != self._scorer.fingerprint:
            logger.info("%s: the pipeline has changed: its state is rebuilt from offset %d", each, mark.origin)
        _check_retention(each, mark.origin, found.offset, ends)
        return mark.origin, found.offset


def _check_retention(each: Partition, origin: int, committed: int, ends: Watermarks) -> None:
    if min(origin, committed) < ends.low and origin != committed:
        raise StateError(
            f"{each}: the state at offset {committed} was built from the records since offset {origin}, and retention "
            f"has removed those before {ends.low}: it cannot be rebuilt. Keep the records for longer, or begin with an "
            "empty state by giving another --group"
        )
