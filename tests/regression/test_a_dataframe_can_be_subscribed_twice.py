"""RxSci's from_pandas iterates its frame once: a second subscription completes without a row."""

from __future__ import annotations

import pandas as pd

import makiserve.stream as rs


def test_a_dataframe_can_be_subscribed_twice() -> None:
    rows = rs.ops.from_pandas(pd.DataFrame({"x": [1, 2]})).pipe(rs.ops.count(reduce=True))
    assert [rs.run(rows), rs.run(rows)] == [2, 2]
