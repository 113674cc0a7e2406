"""The outputs that an audit expects of a service, without a broker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection
from makiserve.offline.audit import ExpectedOutputs, audit
from makiserve.scoring.comparison import compare
from makiserve.settings import AuditSettings, BrokerSettings

OUTPUTS = [(("in[0]", 0), b"a"), (("in[0]", 1), b"b1"), (("in[0]", 1), b"b2"), (("in[0]", 3), b"d")]
DEAD = [(("in[0]", 2), b"decode"), (("in[0]", 5), b"operator")]
EXPECTED = ExpectedOutputs((0, 6), OUTPUTS, DEAD)


def test_record_whose_outputs_the_topic_refused_is_one_dead_letter() -> None:
    expected = EXPECTED.without_refused({("in[0]", 1): b"publish", ("in[0]", 3): b"encode"})
    assert expected.outputs == [(("in[0]", 0), b"a")]
    assert expected.dead == [
        (("in[0]", 1), b"publish"),
        (("in[0]", 2), b"decode"),
        (("in[0]", 3), b"encode"),
        (("in[0]", 5), b"operator"),
    ]
    assert compare(expected.dead, expected.dead, tolerance=0).agree


def test_refused_record_without_output_in_the_replay_is_a_difference() -> None:
    expected = EXPECTED.without_refused(dict.fromkeys([("in[0]", 2), ("in[0]", 4), ("in[1]", 0)], b"publish"))
    assert (expected.outputs, expected.dead) == (OUTPUTS, DEAD)
    actual = [(("in[0]", 2), b"publish"), (("in[0]", 5), b"operator")]
    assert not compare(expected.dead, actual, tolerance=0).agree


def test_refused_record_that_the_service_published_too_is_a_difference() -> None:
    expected = EXPECTED.without_refused({("in[0]", 0): b"publish"})
    assert compare(expected.outputs, OUTPUTS, tolerance=0).unexpected == 1


def test_intermediate_topic_of_partition_by_is_refused_with_what_to_do() -> None:
    connection = Connection(BrokerSettings("b", "makiserve.out"))
    settings = AuditSettings("makiserve.out.by-house", "out", "out.dead-letters")
    with pytest.raises(ConfigurationError, match=r"intermediate topic.*--replay kafka:makiserve.out.by-house"):
        audit(SimpleNamespace(), connection, settings)  # nothing of a model is needed
