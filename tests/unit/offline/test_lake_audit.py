"""Records of a stream are found again in a lake, and the outputs of both are compared by field."""

from __future__ import annotations

import pytest

from makiserve.errors import DecodeError
from makiserve.offline.differences import differences
from makiserve.offline.lake_audit import LakeOutputs, StreamRecords, _frame
from makiserve.offline.sources import Block
from makiserve.records import Record
from makiserve.scoring import Outputs, Scored


class Reading(Record):
    house: str
    time: int
    value: float | None = None


def stream(*records: Record | DecodeError) -> StreamRecords:
    stream_records = StreamRecords(["house", "time"])
    stream_records.add([("readings[0]", 10 + index) for index in range(len(records))], records)
    return stream_records


def test_stream_records_are_found_by_identity_not_by_value() -> None:
    records = stream(Reading("a", 1, 1.0), DecodeError("no"), Reading("a", 2, 2.0), Reading("b", 1, 3.0))
    assert records.count == 3
    assert records.find(Reading("b", 1, 99.0)) == ("readings[0]", 13)
    assert records.find(Reading("a", 1)) == ("readings[0]", 10)
    assert records.find(Reading("c", 1)) is None
    assert records.find(DecodeError("no")) is None
    assert records.absent == 1


def test_stream_records_of_equal_identity_are_found_in_their_order() -> None:
    records = stream(Reading("a", 1, 1.0), Reading("a", 1, 2.0))
    assert [records.find(Reading("a", 1)) for _ in range(3)] == [("readings[0]", 10), ("readings[0]", 11), None]


@pytest.mark.parametrize(("lanes", "reordered"), [(None, 3), (["a", "b", "a", "a"], 2)])
def test_lake_outputs_count_records_that_arrived_in_another_order(lanes: list[str] | None, reordered: int) -> None:
    """House a arrived in the opposite order. In its own lane, house b is in order."""
    arrived = [Reading("a", 1), Reading("b", 2), Reading("a", 4), Reading("a", 3), Reading("a", 0)]
    lake = LakeOutputs(stream(*arrived), Outputs(Reading, (), emit=["record"], has_model=False, has_post=False))
    rows = [Reading("a", 0), Reading("b", 2), Reading("a", 3), Reading("a", 4)]
    lake.take(Block("lake", range(4), rows, lanes=lanes), Scored([], [], [], []))
    assert lake.reordered == reordered


def test_outputs_with_the_names_of_positions_keep_their_positions() -> None:
    fields = b'{"source":"s","offset":7,"partition":1,"number":2,"time":3,"_merge":4,"key":5}'
    frames = [_frame([(("readings[0]", 10), value)]) for value in (fields, fields.replace(b'"key":5', b'"key":6'))]
    assert frames[0][["source", "offset"]].to_numpy().tolist() == [["readings[0]", 10]]
    different = differences(*frames, against="lake")
    assert (different.matched, different.missing) == (1, 0)
    assert [column.name for column in different.columns if column.differing] == ["output.key"]


def test_lake_outputs_differ_feature_by_feature() -> None:
    """The lake has another value for one record, lacks one, and has one that was never in the stream."""
    records = stream(Reading("a", 1), Reading("a", 2), Reading("a", 3))
    form = Outputs(Reading, (), emit=["record"], has_model=False, has_post=False)
    lake = LakeOutputs(records, form)
    rows = [Reading("b", 7, 0.0), Reading("a", 2, 5.0), Reading("a", 1, 1.0)]
    lake.take(Block("lake", range(3), rows), Scored([0, 1, 2], [None] * 3, [None] * 3, []))
    served = [
        (("readings[0]", 10), b'{"record":{"house":"a","time":1,"value":1.0}}'),
        (("readings[0]", 11), b'{"record":{"house":"a","time":2,"value":4.0}}'),
        (("readings[0]", 12), b'{"record":{"house":"a","time":3,"value":6.0}}'),
    ]
    different = differences(_frame(lake.outputs), _frame(served), against="lake")
    assert (records.absent, lake.extra) == (1, 1)
    assert (different.matched, different.missing, different.unexpected) == (2, 0, 1)
    assert [(column.name, column.differing) for column in different.columns] == [
        ("record.house", 0),
        ("record.time", 0),
        ("record.value", 1),
    ]
    assert [(example.source, example.offset) for example in different.first] == [
        ("readings[0]", 11),
        ("readings[0]", 12),
    ]
