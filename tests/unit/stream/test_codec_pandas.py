"""Times of pandas come back from a checkpoint exactly as they were, and pandas is imported only for them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import pytest

from makiserve.errors import StateError
from makiserve.stream.engine.codec import Codec, pack
from tests.loops import loop_over
from tests.unit.stream.test_codec_values import Summer

CODEC = Codec({})
PARIS = ZoneInfo("Europe/Paris")
VALUES: list[Any] = [
    pd.Timestamp("2024-10-27 02:30:00.123456789"),
    pd.Timestamp(datetime(2024, 10, 27, 2, 30, tzinfo=PARIS)),
    pd.Timestamp(datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=1)),
    pd.Timestamp(datetime(2024, 10, 27, 2, 30, fold=1)),  # noqa: DTZ001  without a zone
    pd.Timestamp("2024-01-01", tz="UTC"),
    pd.Timestamp("2024-01-01", tz=timezone(timedelta(hours=-5, minutes=-30))),
    *(pd.Timestamp(np.datetime64(10**9, unit)) for unit in ("s", "ms", "us", "ns")),
    pd.Timestamp.min,
    pd.Timestamp.max,
    *(pd.Timedelta(np.timedelta64(-(10**9), unit)) for unit in ("s", "ms", "us", "ns")),
    pd.Timedelta.max,
]


def restored(value: Any) -> Any:
    return CODEC.from_plain(msgspec.msgpack.decode(pack(CODEC.to_plain(value))))


@loop_over("value", VALUES, ids=repr)
def test_value_of_pandas_comes_back_as_it_was(value: Any) -> None:
    again = restored(value)
    assert type(again) is type(value)
    assert (again, repr(again), again.unit) == (value, repr(value), value.unit)
    assert getattr(again, "fold", 0) == getattr(value, "fold", 0)
    assert getattr(again, "tzinfo", None) == getattr(value, "tzinfo", None)
    assert restored({value: [value]}) == {value: [value]}


@pytest.mark.parametrize("missing", [pd.NaT, pd.NA], ids=repr)
def test_missing_value_of_pandas_comes_back_as_the_same_object(missing: Any) -> None:
    assert restored([missing])[0] is missing


def test_timestamp_in_a_zone_without_a_name_is_refused() -> None:
    with pytest.raises(StateError, match=r"zone of type .*Summer cannot be saved in a checkpoint: use zoneinfo"):
        CODEC.to_plain(pd.Timestamp(datetime(2024, 1, 1, tzinfo=Summer())))


def test_another_value_of_pandas_is_refused() -> None:
    with pytest.raises(StateError, match=r"type pandas.*Period cannot be saved"):
        CODEC.to_plain(pd.Period("2024-01"))


@loop_over("parts", [["Timestamp"], ["Timestamp", "us", "x", 0, None], ["Other", "us", 1], []], ids=repr)
def test_damaged_value_is_refused(parts: list[Any]) -> None:
    with pytest.raises(StateError):
        CODEC.from_plain(["p", *parts])


@pytest.mark.slow
def test_codec_does_not_import_pandas() -> None:
    program = (
        "import sys, makiserve.stream.engine.codec as c; c.Codec({}).to_plain([1, {}]); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
