"""Outputs of two replays, matched by the position of their records."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from makiserve.errors import ConfigurationError
from makiserve.offline.differences import differences
from tests.loops import loop_over


def frame(*rows: tuple[Any, ...], names: tuple[str, ...] = ("prediction",)) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["source", "offset", *names])


BOTH = frame(("a", 0, 1.0), ("a", 1, 2.0), ("b", 0, 3.0))


def test_the_same_outputs_agree_in_whatever_order() -> None:
    different = differences(BOTH, BOTH[::-1], against="then")
    assert different.agree
    assert (different.matched, different.missing, different.unexpected, different.first) == (3, 0, 0, ())
    assert different.columns[0].largest == 0


def test_a_field_with_the_name_number_is_compared_like_any_other() -> None:
    then, now = (frame(("a", 0, value), ("a", 0, 2), names=("number",)) for value in (1, 5))
    different = differences(then, now, against="then")
    assert [(column.name, column.differing) for column in different.columns] == [("number", 1)]
    assert (different.matched, different.first[0].expected, different.first[0].actual) == (
        2,
        {"number": 1},
        {"number": 5},
    )


@loop_over("name", ["_merge", "_place", "label", "partition", "output.key", "prediction_x"])
def test_a_field_of_any_name_is_compared(name: str) -> None:
    then, now = (frame(("a", 0, value, 0.0), names=(name, "prediction")) for value in (1, 5))
    different = differences(then, now, against="then")
    assert [(column.name, column.differing) for column in different.columns] == [(name, 1), ("prediction", 0)]
    assert different.first[0].actual == {name: 5, "prediction": 0.0}


def test_the_first_outputs_that_differ_are_shown_with_both_values() -> None:
    different = differences(BOTH, frame(("a", 0, 1.0), ("a", 1, 2.5), ("a", 7, 9.0), ("b", 1, 3.0)), against="then")
    assert not different.agree
    assert (different.matched, different.missing, different.unexpected) == (2, 1, 2)
    assert [(row.source, row.offset) for row in different.first] == [("a", 1), ("a", 7), ("b", 0), ("b", 1)]
    assert (different.first[0].expected, different.first[0].actual) == ({"prediction": 2.0}, {"prediction": 2.5})
    assert different.first[1].expected is None
    assert different.first[2].actual is None
    (column,) = different.columns
    assert (column.differing, column.largest) == (1, 0.5)
    assert column.quantiles[0] == 0.25


def test_the_tolerance_is_relative_and_nan_equals_nan() -> None:
    then, now = frame(("a", 0, 1e6), ("a", 1, math.nan)), frame(("a", 0, 1e6 + 1e-4), ("a", 1, math.nan))
    assert differences(then, now, against="then", tolerance=1e-9).agree
    assert not differences(then, now, against="then", tolerance=1e-11).agree
    assert not differences(then, frame(("a", 0, 1e6), ("a", 1, 1.0)), against="then").agree


def test_several_outputs_of_a_record_are_matched_in_order() -> None:
    then = frame(("a", 0, 1.0), ("a", 0, 2.0))
    assert differences(then, then, against="then").agree
    assert differences(then, then[::-1], against="then").columns[0].differing == 2


def test_words_and_lists_are_compared_as_a_file_holds_them() -> None:
    then = frame(("a", 0, "[0.25,0.75]", "up"), ("a", 1, "[1.0,0.0]", None), names=("prediction", "trend"))
    now = frame(("a", 0, [0.25, 0.75], "up"), ("a", 1, [1.0, 0.0], "down"), names=("prediction", "trend"))
    different = differences(then, now, against="then")
    assert [column.differing for column in different.columns] == [0, 1]


def test_a_single_file_may_have_another_name() -> None:
    assert differences(frame(("old.csv", 0, 1.0)), frame(("new.csv", 0, 1.0)), against="then").agree


def test_a_frame_without_positions_or_common_columns_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="then lacks offset and source"):
        differences(pd.DataFrame({"prediction": [1.0]}), BOTH, against="then")
    with pytest.raises(ConfigurationError, match="then lacks columns of this replay, such as prediction"):
        differences(frame(("a", 0, 1.0), names=("other",)), BOTH, against="then")
