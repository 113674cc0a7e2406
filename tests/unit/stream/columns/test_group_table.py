"""Rows of groups inside groups."""

from __future__ import annotations

import random

import numpy as np

from makiserve.stream.columns.group_table import LONG_RUN, Table
from tests.loops import loop_over


@loop_over("run", [1, LONG_RUN - 1, LONG_RUN, 5 * LONG_RUN])
def test_groups_get_the_same_rows_together_and_one_by_one(run: int) -> None:
    draw = random.Random(run)
    together, single = Table([]), Table([])
    for _ in range(3):
        parents = np.repeat([draw.randrange(4) for _ in range(6)], run)
        keys = [draw.choice("abcdefgh") for _ in range(len(parents))]
        rows, added = together.find(keys, parents)
        found = [single.find([key], parents[at : at + 1]) for at, key in enumerate(keys)]
        assert rows.tolist() == [int(row[0]) for row, _ in found]
        assert added == [group for _, groups in found for group in groups]
    assert together.members == single.members
    together.forget(added)
    assert sum(map(len, together.members.values())) == len(together)


def test_no_keys_have_no_rows() -> None:
    rows, added = Table([]).find([], np.array([], np.int64))
    assert rows.tolist() == added == []
