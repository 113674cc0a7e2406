"""A Kafka in memory for one worker: it shows what is committed, fails on demand, and notes every call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import rx
from confluent_kafka import Message

import makiserve
import makiserve.stream as rs
from makiserve.errors import PredictError
from makiserve.kafka import Committed, TopicLimits, Watermarks
from makiserve.scoring import ALONE, ModelGroup, Outputs, Scorer
from makiserve.serving.signals import Stop
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import trace

OnPartitions = Callable[[list[int]], Any]


class Step(makiserve.Record):
    value: float


class Features(NamedTuple):
    total: float


class Model:
    """Gives the total back, times something; refuses 13, or all."""

    inputs = ("total",)

    def __init__(self, times: int = 1, *, refuses: bool = False) -> None:
        self.times, self.refuses = times, refuses

    def check(self, row: tuple[Any, ...]) -> None:
        if self.refuses or row == (13,):
            raise PredictError("unlucky")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [total * self.times for (total,) in rows]


def packaged(
    plan: Plan | None = None,
    *,
    post: Plan | None = None,
    version: str = "3",
    model: Model | None = None,
    registry: Any = None,
    companions: ModelGroup = ALONE,
) -> Any:
    """Return a substitute for a packaged model: the running total of a partition; it fails if the value is 7."""
    plan = plan or trace(
        rx.pipe(
            rs.ops.map(lambda step: step.value if step.value != 7 else 1 / 0),
            rs.math.sum(),
            rs.ops.map(lambda total: Features(total)),
        )
    )
    model = model or Model()
    return SimpleNamespace(
        plan=plan,
        record=Step,
        predictor=model,
        name="house",
        version=version,
        uri="models:/house@champion",
        registry=registry,
        companions=companions,
        digest="d1",
        sample=[Step(1.0)],
        profile=None,
        scorer=lambda is_tracked=False: Scorer(plan, model, post, companions.predictors, is_tracked=is_tracked),
        outputs=lambda: Outputs(Step, ("total",), has_model=True, has_post=post is not None),
    )


def message(number: int, offset: int, value: bytes | None, headers: Any = None) -> Any:
    return Message(
        topic="in",
        partition=number,
        offset=offset,
        key=b"k",
        value=value,
        headers=headers,
        timestamp=(1, 1000 + offset),
    )


class Output(NamedTuple):
    topic: str
    partition: int
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def prediction(self) -> Any:
        return msgspec.json.decode(self.value or b"")["prediction"]


class Kafka:
    """Partitions of values, the offsets of one group, and the outputs that a read_committed reader sees.

    Attributes:
        fails: the errors that the next calls of a name raise, one each.
        turns: what happens at the next calls of `receive` and `keep_alive`, one each.
        state: partition, key and value of the records of the state topic.
        markers: the number of entries after the last record of each partition that no reader receives.
    """

    def __init__(self, stop: Stop, *partitions: list[float]) -> None:
        self.stop = stop
        self.input = {
            number: [message(number, offset, b'{"value": %d}' % value) for offset, value in enumerate(values)]
            for number, values in enumerate(partitions)
        }
        self.low = self.markers = 0
        self.group: dict[int, tuple[int, str]] = {}
        self.visible: list[Output] = []
        self.state: list[tuple[int, bytes, bytes | None]] = []
        self.calls: list[str] = []
        self.fails: dict[str, list[BaseException]] = {}
        self.turns: list[Callable[[], object]] = []

    def called(self, name: str, *details: object) -> None:
        self.calls.append(" ".join(map(str, (name, *details))))
        if waiting := self.fails.get(name):
            raise waiting.pop(0)

    def predictions(self, number: int) -> list[Any]:
        return [output.prediction for output in self.visible if output.topic == "out" and output.partition == number]


class Producer:
    """A transaction that is seen when it is committed."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.is_open = False
        self.outputs: list[Output] = []
        self.checkpoint: list[tuple[int, bytes, bytes | None]] = []
        self.offsets: dict[int, tuple[int, str]] = {}

    def init(self, within: timedelta) -> None:
        self.kafka.called("init")

    def produce(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None,
        time_ms: int,
    ) -> None:
        self.is_open = True
        self.kafka.called("produce", topic)
        if topic.endswith(".state"):
            self.checkpoint.append((partition, key, value))
        else:
            self.outputs.append(Output(topic, partition, value, dict(headers or ())))

    def poll(self) -> None:
        self.kafka.called("poll")

    def flush(self, timeout: timedelta) -> None:
        self.kafka.called("flush")

    def send_offsets(
        self, topic: str, offsets: Mapping[int, tuple[int, str]], group_metadata: object, timeout: timedelta
    ) -> None:
        self.is_open = True
        self.kafka.called("offsets", {number: offset for number, (offset, _) in offsets.items()}, group_metadata)
        self.offsets |= offsets

    def commit(self, timeout: timedelta) -> None:
        self.kafka.called("commit")
        self.kafka.visible += self.outputs
        self.kafka.state += self.checkpoint
        self.kafka.group |= self.offsets
        self._end()

    def abort(self, timeout: timedelta) -> None:
        self.kafka.called("abort")
        self._end()

    def _end(self) -> None:
        self.is_open, self.outputs, self.offsets, self.checkpoint = False, [], {}, []


class Limits:
    """The limits of topics: Kafka's defaults."""

    smallest_bytes = TopicLimits().max_bytes

    def __init__(self, **of: TopicLimits) -> None:
        self.of = defaultdict(TopicLimits, of)
        self.reads = 0

    def read(self) -> None:
        self.reads += 1

    def refresh(self) -> None:
        pass

    def tighten(self, topic: str, limits: TopicLimits) -> None:
        self.of[topic] = limits


class Consumer:
    """Reads the partitions that it was given; when it has read all and no turn is left, a stop is asked."""

    topic = "in"

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.at: dict[int, int] = {}
        self.held: set[int] = set()

    def subscribe(self, on_assign: OnPartitions, on_revoke: OnPartitions, on_lost: OnPartitions) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def come(self, *numbers: int) -> None:
        starts = self.on_assign(list(numbers))
        self.at |= {number: start for number, start in starts.items() if start is not None}
        self.held |= {number for number, start in starts.items() if start is None}

    def go(self, how: OnPartitions, *numbers: int) -> None:
        how(list(numbers))
        for number in numbers:
            self.at.pop(number, None)
            self.held.discard(number)

    def receive(self, max_records: int, timeout: timedelta) -> list[Message]:
        self.kafka.called("receive")
        if self.held:  # both partitions begin together
            return []
        if self.kafka.turns:
            self.kafka.turns.pop(0)()
        received = []
        for number, position in self.at.items():
            received += self.kafka.input[number][position : position + max_records]
            self.at[number] = min(position + max_records, len(self.kafka.input[number]))
        if not received and not self.kafka.turns and not self.held:
            self.kafka.stop.request()
        return received

    def seek(self, partition: int, offset: int) -> None:
        self.kafka.called("seek", partition, offset)
        self.at[partition] = offset
        self.held.discard(partition)

    def pause(self, partitions: Iterable[int]) -> None:
        for number in partitions:
            self.at.pop(number, None)
            self.held.add(number)

    def keep_alive(self) -> None:
        self.kafka.called("keep_alive")
        if self.kafka.turns:
            self.kafka.turns.pop(0)()

    def end_offset(self, partition: int) -> int:
        return len(self.kafka.input[partition])

    def group_metadata(self) -> str:
        return "generation"

    def close(self) -> None:
        self.kafka.called("close")


class Lookup:
    """The offsets and messages that a restore asks for."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka

    def committed(self, partition: int, timeout: timedelta) -> Committed:
        self.kafka.called("committed")
        return Committed(*self.kafka.group.get(partition, (None, "")))

    def watermarks(self, partition: int, timeout: timedelta) -> Watermarks:
        self.kafka.called("watermarks")
        return Watermarks(self.kafka.low, len(self.kafka.input[partition]) + self.kafka.markers)

    def end_of_records(self, partition: int, ends: Watermarks, timeout: timedelta) -> int:
        self.kafka.called("end of records", partition)
        return min(ends.high, len(self.kafka.input[partition]))

    def offset_since(self, partition: int, time_ms: int, timeout: timedelta) -> int:
        self.kafka.called("since", partition)
        return next((record.offset() for record in self.kafka.input[partition] if record.timestamp()[1] >= time_ms), 0)

    def contents(
        self, topic: str, partition: int, timeout: timedelta, is_over: Callable[[], bool]
    ) -> Iterator[list[tuple[bytes, bytes | None]]]:
        self.kafka.called("contents", topic)
        yield [(key, value) for number, key, value in self.kafka.state if number == partition]

    def close(self) -> None:
        pass
