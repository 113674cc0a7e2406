"""RxSci keeps what scan accumulates in an array of the seed's type: a float cannot follow the seed 0, nor 2**64."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_a_float_follows_the_seed_0() -> None:
    assert emitted(rs.ops.scan(lambda total, i: total + i / 2, 0), [1, 2]) == [0.5, 1.5]


def test_an_integer_grows_beyond_64_bits() -> None:
    assert emitted(rs.ops.scan(lambda total, i: total * i, 1), [2**40, 2**40]) == [2**40, 2**80]


def test_a_boolean_stays_a_boolean() -> None:
    accumulated = emitted(rs.ops.scan(lambda seen, i: seen or i > 1, seed=False), [1, 2, 1])
    assert accumulated == [False, True, True]
    assert {type(value) for value in accumulated} == {bool}


def test_a_terminator_may_change_the_type() -> None:
    pair = rs.ops.scan(lambda total, i: total + i, 0, reduce=True, terminator=lambda total: (total, "sum"))
    assert emitted(pair, [1, 2]) == [(3, "sum")]
