"""Sabotage of a service by a test: kill it at a call, or leave out what exactly-once depends on.

Each sabotage is a text such as `die before Committer.step_3_offsets call 2`. A forked service applies it before it
starts. The product has no hooks for it.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from confluent_kafka import TopicPartition

from makiserve.errors import AbortTransaction
from makiserve.kafka import InputConsumer, TransactionalProducer
from makiserve.scoring import Scorer
from makiserve.serving import schedule, worker
from makiserve.serving.assignment import Assignment
from makiserve.serving.commit import Committer, Positions
from makiserve.serving.partition import Partition
from makiserve.serving.publisher import Publisher
from makiserve.serving.state import checkpoint_writer, contents, restorer

CLASSES = {
    kind.__name__: kind
    for kind in (
        Assignment,
        Committer,
        InputConsumer,
        Partition,
        Publisher,
        Scorer,
        TransactionalProducer,
        checkpoint_writer.CheckpointWriter,
        contents.Contents,
        restorer.Restorer,
        worker.Worker,
    )
}
"""The classes whose methods a text can name."""

CALL = re.compile(r"(die before|die after|abort before) (\w+)\.(\w+) call (\d+)")


def apply(texts: list[str]) -> None:
    """Apply these texts to the service of this process."""
    for text in texts:
        if match := CALL.fullmatch(text):
            _wrap(CLASSES[match[2]], match[3], match[1], int(match[4]))
        else:
            CONTROLS[text]()


def _wrap(owner: type, name: str, what: str, at: int) -> None:
    """Replace a method so that one of its calls dies or aborts."""
    original, calls = getattr(owner, name), 0

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and what == "die before":
            _die()
        if calls == at and what == "abort before":
            raise AbortTransaction("on purpose")
        result = original(*arguments, **named)
        if calls == at and what == "die after":
            _die()
        return result

    setattr(owner, name, wrapped)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def offsets_outside_the_transaction() -> None:
    """Let the consumer commit the offsets, as a loop without transactions does."""

    def step_3_offsets(self: Committer, positions: Positions) -> None:
        topic = self.consumer.topic
        places = [
            TopicPartition(topic, number, position.committed, metadata=str(position.metadata))
            for number, position in positions.items()
        ]
        self.consumer._consumer.commit(offsets=places, asynchronous=False)

    Committer.step_3_offsets = step_3_offsets


def no_rewind() -> None:
    """Do not rewind after an abort."""
    Assignment.rewind = lambda self: None


def no_restore() -> None:
    """Start each lane without state at the committed offset."""
    restore = restorer.Restorer._restore

    def forget(self: restorer.Restorer, request: Any) -> Any:
        restored = restore(self, request)
        return restored and replace(restored, lane=self._processor.new_lane())

    restorer.Restorer._restore = forget
    Scorer.rebuild = lambda self, batch: None


def frequent_checkpoints() -> None:
    """Save the state three times a second, for tests that cannot wait for a checkpoint."""
    schedule.CHECKPOINT_S = 0.3


CONTROLS: dict[str, Callable[[], None]] = {
    control.__name__: control
    for control in (offsets_outside_the_transaction, no_rewind, no_restore, frequent_checkpoints)
}
"""The oracle must report each of these but the last."""
