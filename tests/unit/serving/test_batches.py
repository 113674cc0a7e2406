"""Messages are cut into slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from makiserve.errors import DecodeError
from makiserve.kafka import Message, MessageDecoder
from makiserve.records import Schema
from makiserve.records.registry import Decoded
from makiserve.scoring import Lane
from makiserve.serving.batches import Slice, slices_from_messages
from makiserve.serving.partition import Partition
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.offset_metadata import Position
from makiserve.serving.state.restorer import Restored
from tests.unit.serving.fakes import Step, message, packaged

DECODER = MessageDecoder(Schema(Step))
SCORER = packaged().scorer()


def running_partition(number: int, committed: int = 0) -> Partition:
    partition = Partition("in", number)
    partition.restore()
    partition.begin(Restored(Position(committed, 0), Lane([]), CheckpointWriter(())), "models:/house/3")
    return partition


def shape(part: Slice) -> tuple[int, list[int], bool]:
    return part.partition.number, [message.offset() or 0 for message in part.messages], part.is_silent


def shapes(committed: int, *offsets: int) -> list[tuple[int, list[int], bool]]:
    messages = [message(0, offset, b'{"value": 1}') for offset in offsets]
    return [
        shape(part) for part in slices_from_messages(messages, {0: running_partition(0, committed)}, DECODER, SCORER)
    ]


def test_messages_are_taken_apart_by_partition_in_the_order_of_their_offsets() -> None:
    partitions = {0: running_partition(0), 1: running_partition(1)}
    lanes = {number: partition.lane for number, partition in partitions.items()}
    messages = [message(number, offset, b'{"value": 1}') for offset in (5, 6) for number in (1, 0)]
    slices = list(slices_from_messages(messages, partitions, DECODER, SCORER))
    assert [shape(part) for part in slices] == [(1, [5, 6], False), (0, [5, 6], False)]
    assert all(part.batch.lane is lanes[part.partition.number] for part in slices)


def test_committed_records_come_first_and_without_output() -> None:
    assert shapes(6, 4, 5, 6, 7) == [(0, [4, 5], True), (0, [6, 7], False)]


def test_offsets_may_have_gaps() -> None:
    assert shapes(6, 2, 9) == [(0, [2], True), (0, [9], False)]


def test_no_slice_is_empty() -> None:
    assert shapes(6, 4, 5) == [(0, [4, 5], True)]
    assert shapes(6, 6, 7) == [(0, [6, 7], False)]
    assert shapes(6) == []


def test_a_message_that_cannot_be_decoded_keeps_its_place() -> None:
    messages = [message(0, 0, None), message(0, 1, b"{"), message(0, 2, b""), message(0, 3, b'{"value": 4}')]
    (part,) = slices_from_messages(messages, {0: running_partition(0)}, DECODER, SCORER)
    assert [type(record) for record in part.batch.records] == [DecodeError, DecodeError, DecodeError, Step]
    assert part.batch.records[3] == Step(value=4)


def test_slices_urgent_partition_leaves_live_messages_for_later() -> None:
    """They are scored after the checkpoint of the committed offset."""
    urgent = running_partition(0, committed=6)
    urgent.is_urgent = True
    messages = [message(0, offset, b'{"value": 1}') for offset in (4, 5, 6)]
    (part,) = slices_from_messages(messages, {0: urgent}, DECODER, SCORER)
    assert (shape(part), part.next_offset) == ((0, [4, 5], True), 6)


def test_slices_urgent_partition_passes_a_gap_before_the_committed_offset() -> None:
    urgent = running_partition(0, committed=6)
    urgent.is_urgent = True
    (part,) = slices_from_messages([message(0, 7, b'{"value": 1}')], {0: urgent}, DECODER, SCORER)
    assert (shape(part), part.next_offset) == ((0, [], True), 6)


class Waiting(MessageDecoder):
    """Knows no schema of the messages from an offset on."""

    def __init__(self, known: int) -> None:
        super().__init__(Schema(Step))
        self.known = known

    def decode(self, messages: Sequence[Message]) -> Decoded:
        known = [record for record in messages if record.offset() < self.known]
        return Decoded(super().decode(known).records, b"7" if len(known) < len(messages) else b"")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (4, []),
        (5, [(0, [4], True)]),
        (6, [(0, [4, 5], True)]),
        (7, [(0, [4, 5], True), (0, [6], False)]),
        (8, [(0, [4, 5], True), (0, [6, 7], False)]),
    ],
)
def test_messages_from_the_first_with_an_unknown_schema_are_left_out(known: int, expected: list[Any]) -> None:
    partition = running_partition(0, committed=6)
    messages = [message(0, offset, b'{"value": 1}') for offset in (4, 5, 6, 7)]
    slices = list(slices_from_messages(messages, {0: partition}, Waiting(known), SCORER))
    assert [shape(part) for part in slices] == expected
    assert partition.awaited_schema == (b"" if known == 8 else b"7")
    assert partition.is_lent is bool(expected)
    assert [part.next_offset for part in slices][-1:] == ([known] if expected else [])
