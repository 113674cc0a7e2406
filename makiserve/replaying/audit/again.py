"""A partition again: what a replay gives for a span of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from makiserve.errors import PublishError
from makiserve.kafka import Message, Span, SpanReader, records_from_messages
from makiserve.replaying.comparison.compare import Output, Position
from makiserve.schema import Schema
from makiserve.scoring import Batch, Served


@dataclass
class Again:
    """What a replay gives.

    Attributes:
        offsets: the first record that was compared, and the one after the last; the same where there were none.
        outputs: by position, `topic[partition]` and offset.
        dead: the reasons of the dead letters, likewise.
    """

    offsets: tuple[int, int]
    outputs: list[Output] = field(default_factory=list)
    dead: list[Output] = field(default_factory=list)

    def without_refused(self, refused: Collection[Position]) -> Again:
        """Return the same with dead letters for records of which the service's output topic refused an output.

        Whether a topic takes a message depends on its settings at that time, which a replay cannot know.
        """
        found = {position for position, _ in self.outputs if position in refused}
        letters = [(position, PublishError.reason.encode()) for position in found]
        return Again(
            self.offsets,
            [output for output in self.outputs if output[0] not in found],
            sorted([*self.dead, *letters], key=lambda letter: letter[0][1]),
        )


def score_again(reader: SpanReader, model: Served, origin: Span, span: Span) -> Again:
    """Score a partition from where its state began; what is before the span passes in silence."""
    schema, scorer, form, name = (
        Schema(model.record),
        model.scorer(),
        model.outputs(),
        f"{span.topic}[{span.partition}]",
    )
    lane, again, is_live = scorer.new_lane(), Again((span.end, span.end)), False
    for messages in reader.read_input(origin._replace(end=span.end, until_ms=span.until_ms)):
        records = records_from_messages(messages, schema)
        first = 0 if is_live else _first(messages, span)
        scorer.rebuild(Batch(lane, records[:first]))
        if first == len(messages):
            continue
        keys, offsets = zip(*((message.key(), message.offset()) for message in messages[first:]), strict=True)
        batch = Batch(lane, records[first:], scorer.challenged(keys, name, offsets))
        (scored,) = scorer.score([batch])
        encoded = form.encode(scored, batch.records)
        again.offsets = again.offsets[0] if is_live else offsets[0], offsets[-1] + 1
        again.outputs += [
            ((name, offsets[cause]), value) for cause, value in zip(encoded.causes, encoded.values, strict=True)
        ]
        again.dead += [((name, offsets[index]), error.reason.encode()) for index, error in encoded.dead]
        is_live = True
    return again


def _first(messages: Sequence[Message], span: Span) -> int:
    """The index of the first message of a span."""
    begun = (
        index
        for index, message in enumerate(messages)
        if message.offset() >= span.start and message.timestamp()[1] >= (span.since_ms or 0)
    )
    return next(begun, len(messages))
