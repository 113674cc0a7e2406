"""The partitions of this process: how they come, begin, go back and go."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from makiserve.errors import BrokerUnavailable, RetryCall, StateError
from makiserve.kafka import InputConsumer
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.retry import PATIENCE, Retries
from makiserve.serving.state.restorer import Request, Restorer

logger = logging.getLogger(__name__)


class Assignment:
    """The partitions that the group has given to this process.

    Attributes:
        release: the version of the model that scores their records.
    """

    def __init__(self, consumer: InputConsumer, restorer: Restorer, release: str) -> None:
        self.partitions: dict[int, Partition] = {}
        self.release = release
        self._consumer = consumer
        self._restorer = restorer
        self._requests: dict[int, Request] = {}
        self._waiting: set[int] = set()
        self._asked_since = time.monotonic()
        self._retries = Retries()

    @property
    def is_restoring(self) -> bool:
        """Whether a partition waits for its state."""
        return bool(self._requests)

    def add(self, numbers: Iterable[int]) -> dict[int, None]:
        """Partitions have come; they are held until their state is there."""
        came = [Partition(self._consumer.topic, number) for number in numbers]
        self.partitions |= {each.number: each for each in came}
        for each in came:
            self._restore(each)
        return {each.number: None for each in came}

    def rewind(self) -> None:
        """Nothing since the last commit has happened: all partitions restore the state that they had there."""
        self._consumer.hold(self.partitions)
        for each in self.partitions.values():
            self._restore(each)

    def switch(self, release: str) -> None:
        """From here on another version of the model scores their records."""
        self.release = release
        for each in self.partitions.values():
            each.switch(release)

    def drop(self, numbers: Iterable[int], phase: Phase) -> None:
        """Partitions are gone, with their state."""
        for number in numbers:
            self._forget(number)
            self.partitions.pop(number).end(phase)

    def take_restored(self) -> list[Partition]:
        """Let the partitions go on whose state is there by now.

        Raises:
            StateError: that of one is lost.
            BrokerUnavailable: the broker has been away for too long.
        """
        restored = []
        for number, request in list(self._requests.items()):
            if request.answer is None:
                if time.monotonic() >= request.due_s:
                    self._restorer.ask(request)
            elif request.answer.done():
                del self._requests[number]
                if self._begin(self.partitions[number], request):
                    restored.append(self.partitions[number])
        return restored

    def hold_for_checkpoints(self) -> bool:
        """Receive nothing of the partitions that must be saved first; return whether there are any.

        Those that have been saved since the last call continue.
        """
        for number, partition in self.partitions.items():
            if partition.must_wait and number not in self._waiting:
                self._waiting.add(number)
                self._consumer.hold([number])
            elif number in self._waiting and not partition.must_wait:
                self._waiting.remove(number)
                self._consumer.move(number, partition.next_offset)
        return bool(self._waiting)

    def close(self) -> None:
        """Nobody waits for a state any more."""
        for number in list(self._requests):
            self._forget(number)
        self._restorer.close()

    def _restore(self, partition: Partition) -> None:
        self._forget(partition.number)
        partition.restore()
        self._asked_since = time.monotonic()
        self._ask(Request(partition.number, partition.beginning))

    def _ask(self, request: Request) -> None:
        self._requests[request.number] = request
        self._restorer.ask(request)

    def _forget(self, number: int) -> None:
        self._waiting.discard(number)
        if request := self._requests.pop(number, None):
            request.is_over = True

    def _begin(self, partition: Partition, request: Request) -> bool:
        try:
            assert request.answer  # noqa: S101  it is done
            restored = request.answer.result()
        except RetryCall as error:
            if time.monotonic() > self._asked_since + PATIENCE.total_seconds():
                raise BrokerUnavailable(f"{partition} cannot be restored: {error}") from error
            self._retries.failed()
            if self._retries.is_news:
                logger.warning("%s is not restored yet: %s; trying again", partition, error)
            request.retry()
            self._requests[request.number] = request
            return False
        except StateError:
            partition.end(Phase.FAILED)
            raise
        assert restored is not None  # noqa: S101  only a request that is over has no result
        partition.begin(restored, self.release)
        self._consumer.move(partition.number, restored.beginning.start)
        return True
