"""The partitions assigned to this worker: assign, restore, rewind, revoke."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from makiserve.errors import BrokerUnavailable, RetryCall, StateError
from makiserve.kafka import InputConsumer, MessageDecoder
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.retry import RETRY_TIMEOUT, Retries
from makiserve.serving.state.restorer import Restorer, RestoreRequest

logger = logging.getLogger(__name__)


class Assignment:
    """The partitions that the group has assigned to this process.

    Attributes:
        model_version: the model version that scores their records.
    """

    def __init__(self, consumer: InputConsumer, restorer: Restorer, model_version: str) -> None:
        self.partitions: dict[int, Partition] = {}
        self.model_version = model_version
        self._consumer = consumer
        self._restorer = restorer
        self._requests: dict[int, RestoreRequest] = {}
        self._waiting: set[int] = set()
        self._undecoded: set[int] = set()
        self._requested_since = time.monotonic()
        self._retries = Retries()

    @property
    def is_restoring(self) -> bool:
        """Return whether a partition is waiting for its state."""
        return bool(self._requests)

    def add(self, numbers: Iterable[int]) -> dict[int, None]:
        """Add assigned partitions, which are paused until their state is restored."""
        added = [Partition(self._consumer.topic, number) for number in numbers]
        self.partitions |= {partition.number: partition for partition in added}
        for partition in added:
            self._restore(partition)
        return {partition.number: None for partition in added}

    def rewind(self) -> None:
        """Rewind all partitions to the last commit and restore the state that they had there."""
        self._consumer.pause(self.partitions)
        for partition in self.partitions.values():
            self._restore(partition)

    def switch(self, model_version: str) -> None:
        """Switch to another model version."""
        self.model_version = model_version
        for partition in self.partitions.values():
            partition.switch(model_version)

    def drop(self, numbers: Iterable[int], phase: Phase) -> None:
        """Drop partitions and their state."""
        for number in numbers:
            self._forget(number)
            self.partitions.pop(number).end(phase)

    def take_restored(self) -> list[Partition]:
        """Resume the partitions whose state has been restored, and return them.

        Raises:
            StateError: the state of a partition is lost.
            BrokerUnavailable: the broker has been unreachable for too long.
        """
        restored = []
        for number, request in list(self._requests.items()):
            if request.answer is None:
                if time.monotonic() >= request.due_s:
                    self._restorer.submit(request)
            elif request.answer.done():
                del self._requests[number]
                if self._begin(self.partitions[number], request):
                    restored.append(self.partitions[number])
        return restored

    def pause_for_checkpoints(self) -> bool:
        """Pause the partitions that must be saved first; return whether there are any.

        Partitions that have been saved since the last call resume.
        """
        for number, partition in self.partitions.items():
            if partition.must_wait and number not in self._waiting:
                self._waiting.add(number)
                self._consumer.pause([number])
            elif number in self._waiting and not partition.must_wait:
                self._waiting.remove(number)
                self._consumer.seek(number, partition.next_offset)
        return bool(self._waiting)

    def pause_for_schemas(self, decoder: MessageDecoder) -> bool:
        """Pause the partitions that wait for a schema; return whether there are any.

        Partitions whose schema has become known resume.
        """
        for number, partition in self.partitions.items():
            if not partition.awaited_schema:
                continue
            if number not in self._undecoded:
                self._undecoded.add(number)
                self._consumer.pause([number])
            if decoder.is_known(partition.awaited_schema) and number not in self._waiting:
                self._undecoded.remove(number)
                partition.awaited_schema = b""
                self._consumer.seek(number, partition.next_offset)
        return bool(self._undecoded)

    def close(self) -> None:
        """Cancel all restores and close the restorer."""
        for number in list(self._requests):
            self._forget(number)
        self._restorer.close()

    def _restore(self, partition: Partition) -> None:
        self._forget(partition.number)
        partition.restore()
        partition.awaited_schema = b""
        self._requested_since = time.monotonic()
        self._submit(RestoreRequest(partition.number, partition.initial_position))

    def _submit(self, request: RestoreRequest) -> None:
        self._requests[request.number] = request
        self._restorer.submit(request)

    def _forget(self, number: int) -> None:
        self._waiting.discard(number)
        self._undecoded.discard(number)
        if request := self._requests.pop(number, None):
            request.is_over = True

    def _begin(self, partition: Partition, request: RestoreRequest) -> bool:
        try:
            assert request.answer  # noqa: S101  it is done
            restored = request.answer.result()
        except RetryCall as error:
            if time.monotonic() > self._requested_since + RETRY_TIMEOUT.total_seconds():
                raise BrokerUnavailable(
                    f"{partition} cannot be restored: {error}. Check the brokers and the network"
                ) from error
            self._retries.failed()
            if self._retries.should_log:
                logger.warning("%s is not restored yet: %s; retrying", partition, error)
            request.retry()
            self._requests[request.number] = request
            return False
        except StateError:
            partition.end(Phase.FAILED)
            raise
        assert restored is not None  # noqa: S101  only a cancelled request has no result
        partition.begin(restored, self.model_version)
        self._consumer.seek(partition.number, restored.position.start)
        return True
