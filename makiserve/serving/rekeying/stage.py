"""The first stage: what a service scores with and publishes when it does nothing but find keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from makiserve.kafka import BY_KEY, Headers, Message
from makiserve.schema import Record
from makiserve.scoring import ALONE, Batch, Beside, Encoded, Outputs, Scored, Scorer, Served
from makiserve.serving.messages import Origin, Outgoing, Times, rekeyed_headers
from makiserve.serving.publisher import Publisher
from makiserve.stream.engine.trace import trace
from makiserve.stream.ops.map import map as map_


@dataclass(frozen=True)
class Keys:
    """Where a model may stand: its records, and a pipeline that gives for each the key that it gets.

    Attributes:
        model: what the second stage serves.
        attribute: the field of the record.
    """

    model: Served
    attribute: str
    predictor: None = None
    registry: None = None
    beside: Beside = ALONE

    @property
    def uri(self) -> str:
        return f"{self.model.uri}, keys by {self.attribute}"

    @property
    def name(self) -> str | None:
        return self.model.name

    @property
    def version(self) -> str | None:
        return self.model.version

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def profile(self) -> None:
        return None

    @property
    def record(self) -> type[Record]:
        return self.model.record

    @property
    def sample(self) -> Sequence[Record]:
        return self.model.sample

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        key: Callable[[Any], bytes] = partial(key_of, self.attribute)
        return Scorer(trace(map_(key)), is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        return Outputs(self.record, (), emit=emit, has_model=False, has_post=False)


class Rekeyer(Publisher):
    """Produces each message again, with its new key: its partition is the one that Java's clients would choose."""

    keeps_partition = False

    def _encoded(self, batch: Batch, scored: Scored) -> Encoded:
        return Encoded(scored.causes, scored.features, scored.dead)

    def _message(self, message: Message, record: Origin, value: Any, models: Headers, times: Times) -> Outgoing:
        time_ms, time = times.fit(record.time_ms)
        return Outgoing(self._settings.output, BY_KEY, value, message.value(), rekeyed_headers(record, time), time_ms)


def key_of(attribute: str, record: Any) -> bytes:
    """The key of a record: text as it is, anything else as JSON.

    Raises:
        ValueError: the field is empty: nobody knows where the record belongs.
    """
    value = getattr(record, attribute)
    if value is None:
        raise ValueError(f"field {attribute!r} is empty: it has no key")
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
