"""The features of the page about features are those of pandas."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import rx

import makiserve
import makiserve.stream as rs

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "features.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The names that the examples of the page define."""
    example = doctest.DocTestParser().get_doctest(PAGE.read_text(), {}, PAGE.name, str(PAGE), 0)
    assert not doctest.DocTestRunner().run(example, clear_globs=False).failed
    return example.globs


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    """Payments of five cards at rising times; many of one card have the same time."""
    random = np.random.default_rng(7)
    count = 600
    at = np.cumsum(random.choice([0, 60, 900, 7200], count, p=[0.3, 0.3, 0.3, 0.1]))
    return pd.DataFrame(
        {
            "time": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(at, unit="s"),
            "card": random.choice(list("abcde"), count, p=[0.6, 0.1, 0.1, 0.1, 0.1]),
            "merchant": random.choice([f"shop {number}" for number in range(9)], count),
            "amount": random.gamma(2, 40, count).round(2),
        }
    )


Windows = Callable[[Any], Any]


def of_each(frame: pd.DataFrame, key: str, of_one: Windows) -> np.ndarray[Any, Any]:
    """Return what pandas makes of the rows of each key, in the order of the rows."""
    parts = [
        pd.Series(np.asarray(of_one(rows.set_index("time")), float), index=rows.index) for _, rows in frame.groupby(key)
    ]
    return np.asarray(pd.concat(parts).sort_index())


def assert_equal(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=1e-9, atol=1e-6)


def test_payment_features_are_those_of_pandas(page: dict[str, Any], payments: pd.DataFrame) -> None:
    ours = makiserve.features_frame(payments, features=page["payment_features"], record=page["Payment"])
    before: Any = {"window": "24h", "closed": "left"}
    payments = payments.assign(shop=payments.merchant.astype("category").cat.codes.astype(float))
    mean = of_each(payments, "card", lambda rows: rows.amount.rolling(**before).mean())
    count = of_each(payments, "card", lambda rows: rows.amount.rolling(**before, min_periods=0).count())
    shops = of_each(
        payments, "card", lambda rows: rows["shop"].rolling(**before).apply(lambda x: len(np.unique(x)), raw=True)
    )
    assert_equal(ours.ratio_24h, payments.amount / mean)
    assert_equal(ours.count_24h, count)
    assert_equal(ours.merchants_24h, np.nan_to_num(shops))
    assert_equal(ours.seconds_since_last, payments.groupby("card").time.diff().dt.total_seconds())
    assert_equal(ours.is_new_at_merchant, payments.groupby(["card", "merchant"]).cumcount() == 0)


def test_sensor_features_are_those_of_pandas(page: dict[str, Any]) -> None:
    random, count = np.random.default_rng(7), 300
    times = pd.date_range("2026-03-01", periods=count, freq="15min", tz="UTC")
    parts = [
        pd.DataFrame({"time": times, "sensor": name, "value": random.normal(20, 3, count)}) for name in ("x", "y", "z")
    ]
    readings = pd.concat(parts).sort_values("time", kind="stable", ignore_index=True)
    ours = makiserve.features_frame(readings, features=page["sensor_features"], record=page["Reading"])

    def z_score(rows: pd.DataFrame) -> Any:
        hour = rows.value.rolling("1h", closed="left")
        return (rows.value - hour.mean()) / hour.std()

    assert_equal(ours.z_score, of_each(readings, "sensor", z_score))
    fading = of_each(readings, "sensor", lambda rows: rows.value.ewm(halflife="6h", times=rows.index).mean())
    assert_equal(ours.from_mean, readings.value - fading)
    assert_equal(ours.since_yesterday, readings.groupby("sensor").value.diff(96))


def test_session_features_are_those_of_pandas(page: dict[str, Any], payments: pd.DataFrame) -> None:
    clicks = payments.rename(columns={"card": "user", "merchant": "page"})
    ours = makiserve.features_frame(clicks, features=page["click_features"], record=page["Click"])
    pauses = clicks.groupby("user").time.diff()
    number = (~(pauses < pd.Timedelta("30min"))).groupby(clicks.user).cumsum()
    session = [clicks.user, number]
    start = clicks.groupby(session).time.transform("min")
    is_new = clicks.groupby([*session, "page"]).cumcount() == 0
    assert_equal(ours.click_in_session, clicks.groupby(session).cumcount() + 1)
    assert_equal(ours.seconds_in_session, (clicks.time - start).dt.total_seconds())
    assert_equal(ours.pages_in_session, is_new.groupby(session).cumsum())
    ended = makiserve.features_frame(clicks, features=page["sessions"], record=page["Click"])
    theirs = clicks.assign(number=number).groupby(["user", "number"]).time.agg(["size", "min", "max"]).reset_index()
    theirs = theirs[theirs.number < theirs.groupby("user").number.transform("max")]
    ended = ended.sort_values("user", kind="stable")
    assert list(ended.user) == list(theirs.user)
    assert_equal(ended.clicks, theirs["size"])
    assert_equal(ended.seconds, (theirs["max"] - theirs["min"]).dt.total_seconds())


def test_latest_known_outcome_is_that_of_merge_asof(page: dict[str, Any], payments: pd.DataFrame) -> None:
    orders = payments.rename(columns={"card": "shop", "amount": "minutes"})
    orders.loc[orders.index % 7 == 3, "minutes"] = np.nan
    records = orders.assign(minutes=orders.minutes.astype(object).where(orders.minutes.notna(), None))
    ours = makiserve.features_frame(records, features=page["order_features"], record=page["Order"])
    outcomes = orders.assign(time=orders.time + pd.to_timedelta(orders.minutes, unit="min")).dropna(subset="minutes")
    outcomes = outcomes.sort_values("time", kind="stable")[["time", "shop", "minutes"]]
    left = orders[["time", "shop"]].astype({"time": outcomes.time.dtype})
    theirs = pd.merge_asof(left, outcomes, on="time", by="shop").minutes
    assert 0 < theirs.isna().sum() < len(theirs) / 2
    assert_equal(ours.latest_known, theirs)


class Payment(makiserve.Record):
    time: datetime
    card: str
    merchant: str
    amount: float


class Others(NamedTuple):
    earlier_mean: float | None
    large_last_hour: int
    since_large: float | None
    amount_of_large: float | None
    mean_of_previous_3: float | None
    yesterday: float | None


def others() -> Any:
    """The features of the table at the end of the page."""
    time, amount = (lambda p: p.time), (lambda p: p.amount)
    earlier = rx.pipe(rs.math.mean(amount), rs.data.tail(2), rs.ops.map(lambda two: two[0] if len(two) > 1 else None))
    large = rs.data.roll_trailing("1h", time, [rs.math.sum(lambda p: p.amount > 100, reduce=True)])
    last_large = rs.data.roll_trailing(
        "7d",
        time,
        [rs.math.max(lambda p: p.time if p.amount > 100 else None, reduce=True, skip_missing=True)],
        closed="left",
    )
    is_large = rs.ops.filter(lambda p: p.amount > 100)
    large_amount = rs.data.roll_trailing(
        "7d", time, rx.pipe(is_large, rs.data.tail(1, amount, reduce=True)), closed="left"
    )
    previous = rx.pipe(
        rs.data.tail(4, amount), rs.ops.map(lambda kept: sum(kept[:-1]) / (len(kept) - 1) if len(kept) > 1 else None)
    )
    daily = rs.data.roll_calendar("day", time, [rs.math.mean(amount, reduce=True)], zone="UTC")
    yesterday = rx.pipe(
        rs.ops.tee_map(rs.ops.map(amount), daily, join="zip_longest"),
        rs.data.forward_fill(),
        rs.ops.map(lambda pair: pair[1]),
    )

    def joined(payment: Payment, mean: Any, count: int, large_at: Any, last: Any, mean_of_3: Any) -> Others:
        since = (payment.time - large_at).total_seconds() if large_at is not None else None
        return Others(mean, count, since, last[0] if last else None, mean_of_3, None)

    branches = rs.ops.tee_map(rs.ops.identity(), earlier, large, last_large, large_amount, previous)
    both = rs.ops.tee_map(rx.pipe(branches, rs.ops.starmap(joined)), yesterday, join="zip_longest")
    features = rx.pipe(both, rs.ops.starmap(lambda row, mean: row._replace(yesterday=mean)))
    return rs.ops.group_by(lambda p: p.card, features)


def test_other_features_are_those_of_pandas(payments: pd.DataFrame) -> None:
    ours = makiserve.features_frame(payments, features=others, record=Payment)
    amounts = payments.groupby("card").amount
    assert_equal(ours.earlier_mean, amounts.transform(lambda values: values.expanding().mean().shift()))
    is_large = of_each(payments, "card", lambda rows: (rows.amount > 100).astype(float).rolling("1h").sum())
    assert_equal(ours.large_last_hour, is_large)
    assert_equal(
        ours.mean_of_previous_3, amounts.transform(lambda values: values.shift().rolling(3, min_periods=1).mean())
    )
    large = payments[payments.amount > 100][["time", "card", "amount"]].assign(large_at=lambda frame: frame.time)
    last = pd.merge_asof(payments, large, on="time", by="card", allow_exact_matches=False, tolerance=pd.Timedelta("7D"))
    assert_equal(ours.since_large, (payments.time - last.large_at).dt.total_seconds())
    assert_equal(ours.amount_of_large, last.amount_y)
    day = payments.time.dt.floor("D")
    daily = payments.groupby(["card", day]).amount.mean().groupby("card").shift().rename("yesterday").reset_index()
    theirs = payments.assign(day=day).merge(daily, left_on=["card", "day"], right_on=["card", "time"], how="left")
    assert_equal(ours.yesterday, theirs.yesterday)
