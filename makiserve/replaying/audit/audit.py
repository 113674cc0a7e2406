"""The audit of each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from makiserve.errors import PublishError
from makiserve.kafka import Connection, Span, SpanReader, place_from_text, spans
from makiserve.replaying.audit.again import Again, score_again
from makiserve.replaying.audit.written import Written, written
from makiserve.replaying.comparison.compare import Comparison, Output, compare
from makiserve.scoring import Served
from makiserve.settings import AuditSettings

LONGEST = 600
NOTHING = "nothing"


@dataclass(frozen=True)
class Parting:
    """The first record of a partition on which service and replay part.

    Attributes:
        offset: of the record.
        expected: what the replay gives for it.
        found: what the service wrote.
        record: the message as it came in, shortened.
    """

    offset: int
    expected: str
    found: str
    record: str


@dataclass(frozen=True)
class Audited:
    """What was found in a partition.

    Attributes:
        name: `topic[partition]`.
        offsets: the first record that was compared, and the one after the last; the same where there were none.
        origin: the offset at which the replay began.
        is_committed: whether the service has committed anything of it; otherwise nobody knows how far it is.
        outputs: the comparison of the outputs.
        dead: of the dead letters, by their reasons.
        writers: how many of both were written by which version and digest.
        parting: where the two part; None where they do not.
    """

    name: str
    offsets: tuple[int, int]
    origin: int
    is_committed: bool
    outputs: Comparison
    dead: Comparison
    writers: Counter[tuple[str, str]]
    parting: Parting | None

    @property
    def agree(self) -> bool:
        """Whether the service wrote what the replay gives."""
        return self.outputs.agree and self.dead.agree


def audit(model: Served, connection: Connection, settings: AuditSettings) -> list[Audited]:
    """Replay what came in, and compare with what the service wrote for it, each partition by itself.

    A lane's state depends on all records since it began: the replay begins there, in silence, and compares from where
    it was told to, up to what the group of the service has committed.

    Args:
        model: that the service is to have served.
        connection: to the brokers, as the group of the service.
        settings: what to compare.

    Raises:
        ConfigurationError: there is no such topic or place.
        BrokerUnavailable: no broker answers.
    """
    start, end, state = map(place_from_text, (settings.start, settings.end, settings.state_from))
    compared = spans(connection, settings.input, start, end)
    origins = spans(connection, settings.input, state, end)
    with SpanReader(connection) as reader:
        # What is committed is asked for first: what is written for it is there by then.
        done = [reader.committed(span.topic, span.partition) for span in compared]
        outputs = written(reader, connection, settings.output, settings.input)
        dead = written(reader, connection, settings.dead_letters, settings.input)
        found = []
        for span, origin, committed in zip(compared, origins, done, strict=True):
            name, bounded = f"{span.topic}[{span.partition}]", _bounded(span, committed)
            again = score_again(reader, model, origin, bounded)
            own = [_within(each.get(name, []), again.offsets) for each in (outputs, dead)]
            again = again.without_refused(
                {letter.position for letter in own[1] if letter.value == PublishError.reason.encode()}
            )
            sides = (
                compare(again.outputs, _plain(own[0]), tolerance=settings.tolerance),
                compare(again.dead, _plain(own[1]), tolerance=0),
            )
            writers = Counter(one.writer for one in (*own[0], *own[1]))
            parting = _parting(reader, bounded, again, own, sides)
            found.append(Audited(name, again.offsets, origin.start, committed is not None, *sides, writers, parting))
        return found


def _bounded(span: Span, committed: int | None) -> Span:
    return span if committed is None else span._replace(end=max(span.start, min(span.end, committed)))


def _within(found: Sequence[Written], offsets: tuple[int, int]) -> list[Written]:
    return [one for one in found if offsets[0] <= one.position[1] < offsets[1]]


def _plain(found: Sequence[Written]) -> list[Output]:
    return [(one.position, one.value) for one in found]


def _parting(
    reader: SpanReader, span: Span, again: Again, own: Sequence[Sequence[Written]], sides: Sequence[Comparison]
) -> Parting | None:
    places = [output[0][1] for side in sides for output in side.first or () if output is not None]
    if not places:
        return None
    offset = min(places)
    messages = (
        message for part in reader.read_input(Span(span.topic, span.partition, offset, offset + 1)) for message in part
    )
    record = next((message.value() or b"" for message in messages), b"").decode(errors="replace")
    return Parting(
        offset,
        _told(offset, again.outputs, again.dead),
        _told(offset, _plain(own[0]), _plain(own[1])),
        record if len(record) <= LONGEST else record[: LONGEST - 1] + "…",
    )


def _told(offset: int, outputs: Sequence[Output], dead: Sequence[Output]) -> str:
    """What is said of a record."""
    values = [value.decode(errors="replace") for position, value in outputs if position[1] == offset]
    values += [
        f"a dead letter ({reason.decode(errors='replace')})" for position, reason in dead if position[1] == offset
    ]
    return " and ".join(values) or NOTHING
