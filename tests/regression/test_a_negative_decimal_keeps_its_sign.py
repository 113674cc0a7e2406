"""RxSci reads the digits before and after the point by themselves: -11.45 as -10.55, -0.5 as 0.5, others an ulp off."""

from __future__ import annotations

import random

import pytest

from makiserve.stream.rxsci.container import csv


@pytest.mark.parametrize(("text", "value"), [("-11.45", -11.45), ("-0.5", -0.5), ("-0.0", -0.0), ("1e-3", 0.001)])
def test_a_negative_decimal_keeps_its_sign(text: str, value: float) -> None:
    (parsed,) = csv.create_line_parser([("temperature", "float")])(text)
    assert repr(parsed) == repr(value)


def test_every_float_is_the_nearest() -> None:
    parse = csv.create_line_parser([("x", float)])
    numbers = [random.Random(7).gauss(0, 1000) for _ in range(10_000)]
    assert [parse(repr(number)).x for number in numbers] == numbers
