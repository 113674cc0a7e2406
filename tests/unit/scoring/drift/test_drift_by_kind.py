"""Drift of every kind of feature: none of a training from itself, some as soon as the distribution moves."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from makiserve.scoring.drift import Drift, FeatureDrift, Profile, profile_from
from makiserve.scoring.drift.drift import FLOOR
from tests.loops import loop_over

COUNT = 20_000
CHANCE = np.random.default_rng(11)


class Feature(NamedTuple):
    x: Any


def drift(training: list[Any], seen: list[Any], cut: int = 997) -> FeatureDrift:
    """Drift of one feature, by a profile that has been stored, counted batch by batch."""
    profile = msgspec.json.decode(profile_from({"x": training}).to_json(), type=Profile)
    counted = Drift(profile)
    for start in range(0, len(seen), cut):
        part = seen[start : start + cut]
        counted.observe([Feature(value) for value in part], [None] * len(part))
    (feature,) = counted.report()
    return feature


def sometimes(values: list[Any], missing: Any, share: float = 0.05) -> list[Any]:
    return [missing if gone else value for value, gone in zip(values, CHANCE.random(len(values)) < share, strict=True)]


HOURS = [number % 24 for number in range(COUNT)]
RAIN = np.where(CHANCE.random(COUNT) < 0.9, 0.0, CHANCE.gamma(1, 3, COUNT))
WIND = CHANCE.choice(list("NESW"), COUNT).tolist()
GAUSS = CHANCE.normal(10, 2, COUNT)
PEAK = np.where(CHANCE.random(COUNT) < 0.95, 6.0, 5.0)

KINDS: dict[str, tuple[list[Any], list[Any]]] = {
    "continuous": (GAUSS.tolist(), (GAUSS + 2).tolist()),
    "continuous, wider": (GAUSS.tolist(), (10 + 2 * (GAUSS - 10)).tolist()),
    "heavy-tailed": (CHANCE.standard_cauchy(COUNT).tolist(), (3 * CHANCE.standard_cauchy(COUNT)).tolist()),
    "heavy-tailed, positive": (np.exp(GAUSS).tolist(), np.exp(GAUSS + 2).tolist()),
    "periodic": (HOURS, [hour // 8 * 8 for hour in HOURS]),
    "periodic, one hour gone": (HOURS, [hour for hour in HOURS if hour != 5] * 2),
    "periodic, continuous": (np.sin(np.arange(COUNT) / 7).tolist(), np.abs(np.sin(np.arange(COUNT) / 7)).tolist()),
    "constant": ([7.0] * COUNT, [7.5] * COUNT),
    "constant, a little less": ([7.0] * COUNT, [math.nextafter(7.0, 0.0)] * COUNT),
    "dominant value": (PEAK.tolist(), [5.0] * COUNT),
    "dominant value, alone": (PEAK.tolist(), [6.0] * COUNT),
    "dominant value, then continuous": (RAIN.tolist(), (RAIN * 10).tolist()),
    "dominant value, gone": (RAIN.tolist(), [value for value in RAIN.tolist() if value]),
    "values between": ([2 * hour for hour in HOURS], [2 * hour + 1 for hour in HOURS]),
    "truth": (CHANCE.choice([True, False], COUNT).tolist(), [True] * COUNT),
    "rounded": (np.round(GAUSS, 1).tolist(), np.round(GAUSS + 2, 1).tolist()),
    "whole, many": (CHANCE.poisson(500, COUNT).tolist(), CHANCE.poisson(540, COUNT).tolist()),
    "few values": (GAUSS[:30].tolist(), (GAUSS[:30] + 50).tolist()),
    "huge": ([10**400, -(10**400), 3] * 400, [3] * 400),
    "infinite": ([math.inf, -math.inf, 3.0] * 400, [3.0] * 400),
    "with nan": (sometimes(GAUSS.tolist(), math.nan), sometimes(GAUSS.tolist(), math.nan, 0.5)),
    "with None": (sometimes(HOURS, None), HOURS),
    "gone": (HOURS, [None] * COUNT),
    "text": (WIND, ["N" if wind == "E" else wind for wind in WIND]),
    "text, new": (WIND, ["NNE" if wind == "E" else wind for wind in WIND]),
    "text with None": (sometimes(WIND, None), sometimes(WIND, None, 0.5)),
    "text with nan": (sometimes(WIND, math.nan), WIND),
    "text, gone": (WIND, [None] * COUNT),
    "text, many": ([f"id{number % 500}" for number in range(COUNT)], ["id1"] * COUNT),
}


@loop_over("kind", KINDS)
@pytest.mark.slow
def test_a_training_does_not_drift_from_itself(kind: str) -> None:
    training, _ = KINDS[kind]
    feature = drift(training, training)
    assert (feature.psi, feature.distance, feature.out_of_range) == (0.0, 0.0, 0.0)
    assert feature.nulls == feature.expected_nulls


@loop_over("kind", KINDS)
@pytest.mark.slow
def test_a_distribution_that_moves_is_seen(kind: str) -> None:
    training, moved = KINDS[kind]
    feature = drift(training, moved)
    assert feature.distance > 0.03
    assert feature.psi > 0.1 or kind == "dominant value, alone"


@given(st.lists(st.none() | st.floats() | st.integers() | st.booleans(), min_size=1, max_size=60))
def test_no_numbers_drift_from_themselves(values: list[Any]) -> None:
    if not profile_from({"x": values}).columns:
        return  # nothing but missing values
    feature = drift(values * 7, values * 3, cut=5)
    assert (feature.psi, feature.distance) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert not feature.out_of_range > 0


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=200))
def test_no_text_drifts_from_itself(values: list[Any]) -> None:
    if any(value is not None for value in values):
        feature = drift(values, values, cut=13)
        assert (feature.psi, feature.distance) == (0.0, 0.0)


@pytest.mark.parametrize("kind", ["periodic", "dominant value", "truth", "periodic, one hour gone", "values between"])
def test_measures_of_discrete_features_are_those_of_numpy_and_scipy(kind: str) -> None:
    training, moved = KINDS[kind]
    feature = drift(training, moved)
    assert feature.distance == pytest.approx(ks_2samp(training, moved).statistic)
    shares = [Counter(side) for side in (training, moved)]
    e = np.array([shares[0][value] / len(training) for value in shares[0]])
    f = np.array([shares[1][value] / len(moved) for value in shares[0]])
    e, f = (np.maximum(np.append(side, 1 - side.sum()), FLOOR) for side in (e, f))  # the last is of all new values
    assert feature.psi == pytest.approx(np.sum((f - e) * np.log(f / e)))


@pytest.mark.parametrize("kind", ["continuous", "continuous, wider", "heavy-tailed", "whole, many", "rounded"])
def test_the_distance_of_other_features_is_within_a_bin_of_scipys(kind: str) -> None:
    training, moved = KINDS[kind]
    exact = ks_2samp(training, moved).statistic
    assert exact - 0.04 <= drift(training, moved).distance <= exact + 1e-12


def test_the_distance_of_text_is_the_total_variation_with_missing_values() -> None:
    feature = drift(["a"] * 50 + ["b"] * 30 + [None] * 20, ["a"] * 20 + ["c"] * 30 + [None] * 50)
    assert feature.distance == pytest.approx((0.3 + 0.3 + 0.3 + 0.3) / 2)


def test_the_distance_does_not_depend_on_which_side_was_trained_on() -> None:
    hours, even_hours = sometimes(HOURS, None), [hour // 2 * 2 for hour in HOURS]
    assert drift(hours, even_hours).distance == pytest.approx(drift(even_hours, hours).distance)


def test_a_sample_of_one_distribution_is_near_it() -> None:
    for kind in ("continuous", "periodic", "dominant value", "text", "heavy-tailed"):
        values, _ = KINDS[kind]
        sample = [values[index] for index in CHANCE.integers(0, COUNT, 5_000)]
        feature = drift(values, sample)
        assert feature.distance < 0.04
        assert feature.psi < 0.02


@loop_over("kind", ["periodic", "dominant value", "truth", "constant", "whole, many", "continuous"])
def test_the_outline_is_the_histogram_of_the_training(kind: str) -> None:
    values = np.array(KINDS[kind][0], np.float64)
    (column,) = profile_from({"x": values.tolist()}).columns
    low, high = np.floor(values.min()), values.max()
    for edges in (np.arange(low, high + 2) - 0.5, np.linspace(low, high + 1, 9)):
        expected = np.histogram(values, edges)[0] / len(values)
        assert column.shares_between(edges) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("values", [[0.0, 1.0] * 500, [0.0, 5e-324] * 500, [1e308, -1e308, 0.0] * 400], ids=range(3))
def test_drift_does_not_depend_on_the_error_state_of_numpy(values: list[float]) -> None:
    expected = drift(values, values)
    with np.errstate(all="raise"):
        assert drift(values, values) == expected
