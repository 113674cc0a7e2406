"""Profiles of a training, and how far a service is from them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from makiserve.scoring.drift import Drift, FeatureDrift, Profile, profile_from
from makiserve.scoring.drift.bins import FINE, groups_of
from makiserve.scoring.drift.drift import stability_index
from makiserve.scoring.drift.item_columns import columns_of

RNG = np.random.default_rng(5)


class Features(NamedTuple):
    wind: float | None
    icon: str | None


def profile(wind: list[Any], icon: list[Any] | None = None, prediction: list[Any] | None = None) -> Profile:
    return profile_from({"wind": wind, "icon": icon or ["sun"] * len(wind), "prediction": prediction or wind})


def observed(drift: Drift, wind: list[Any], icon: list[Any] | None = None) -> dict[str, FeatureDrift]:
    icons = icon or ["sun"] * len(wind)
    drift.observe([Features(*pair) for pair in zip(wind, icons, strict=True)], wind)
    return {feature.name: feature for feature in drift.report()}


def test_a_profile_holds_the_moments_and_bins_of_equal_shares() -> None:
    values = RNG.normal(10, 2, 5000).tolist()

    (wind, _, prediction) = profile([*values, None, math.nan]).columns

    assert (wind.count, wind.nulls) == (5002, 2)
    assert (wind.least, wind.largest) == (min(values), max(values))
    assert wind.mean == pytest.approx(np.mean(values))
    assert wind.stddev == pytest.approx(np.std(values))
    groups = groups_of(np.array(wind.edges), np.array(wind.counts))
    assert np.bincount(groups, wind.shares)[1:] == pytest.approx([0.1] * 10, abs=0.01)
    assert max(wind.shares) <= 1 / FINE + 1e-3
    assert sum(wind.counts) == 5000
    assert prediction.edges == wind.edges


def test_frequent_value_has_its_own_bin() -> None:
    (wind, *_) = profile([0.0] * 90 + [float(x) for x in range(1, 11)]).columns

    assert wind.edges[:2] == [math.nextafter(0.0, -1.0), 0.0]
    assert wind.counts[:2] == [0, 90]
    assert sum(wind.counts[2:]) == 10


def test_text_is_counted_by_category() -> None:
    icons = ["sun"] * 60 + ["rain"] * 30 + [None] * 10

    (_, icon, _) = profile([1.0] * 100, icons).columns

    assert (icon.categories, icon.counts) == (["sun", "rain"], [60, 30, 0])
    assert (icon.count, icon.nulls) == (100, 10)


def test_only_the_most_frequent_texts_are_kept() -> None:
    names = [f"n{i}" for i in range(60) for _ in range(60 - i)]

    (column,) = profile_from({"name": names}).columns

    assert column.categories == [f"n{i}" for i in range(50)]
    assert column.counts[-1] == sum(range(1, 11))


def test_values_other_than_numbers_and_text_have_no_profile() -> None:
    assert profile_from({"a": [[1.0]], "b": [None], "c": [math.nan], "d": []}).columns == []


def test_a_profile_comes_back_from_json() -> None:
    made = profile(RNG.normal(size=200).tolist(), ["sun", "rain"] * 100)

    assert msgspec.json.decode(made.to_json(), type=Profile) == made


def test_the_same_distribution_has_an_index_near_0() -> None:
    drift = Drift(profile(RNG.normal(10, 2, 10_000).tolist()))

    drifts = observed(drift, RNG.normal(10, 2, 10_000).tolist())

    assert drifts["wind"].psi < 0.01
    assert drifts["prediction"].psi < 0.01
    assert drifts["wind"].out_of_range < 0.001


def test_another_distribution_is_seen() -> None:
    drift = Drift(profile(RNG.normal(10, 2, 10_000).tolist()))

    drifts = observed(drift, RNG.normal(14, 2, 1_000).tolist())

    assert drifts["wind"].psi > 1
    assert drifts["icon"].psi == 0


def test_missing_values_and_those_out_of_range_are_counted() -> None:
    drift = Drift(profile([float(x) for x in range(10)] + [None] * 10))

    feature = observed(drift, [None, math.nan, -1.0, 100.0, 5.0])["wind"]

    assert (feature.seen, feature.nulls, feature.expected_nulls) == (5, 0.4, 0.5)
    assert feature.out_of_range == pytest.approx(2 / 3)


def test_a_text_that_the_training_did_not_know_is_out_of_range() -> None:
    drift = Drift(profile([1.0] * 4, ["sun", "sun", "rain", "rain"]))

    feature = observed(drift, [1.0] * 4, ["sun", "snow", "rain", None])["icon"]

    assert feature.out_of_range == pytest.approx(1 / 3)
    assert feature.nulls == 0.25
    assert feature.psi == pytest.approx(stability_index(np.array([2, 2, 0, 0]) / 4, np.array([1, 1, 1, 1]) / 4))
    assert feature.distance == 0.5


def test_the_index_is_that_of_the_definition() -> None:
    drift = Drift(profile([0.0] * 50 + [1.0] * 50))

    feature = observed(drift, [0.0] * 8 + [1.0] * 2)["wind"]

    assert feature.psi == pytest.approx(0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5))


def test_counts_can_be_merged_in_any_order() -> None:
    made = profile(RNG.normal(size=1000).tolist(), ["sun", "rain"] * 500)
    values, icons = RNG.normal(1, 1, 600).tolist(), ["sun", "snow", None] * 200
    whole, first, second = Drift(made), Drift(made), Drift(made)
    expected = observed(whole, values, icons)
    observed(first, values[:100], icons[:100])
    observed(second, values[100:], icons[100:])

    second.merge(first)

    assert {feature.name: feature for feature in second.report()} == expected


def test_before_the_first_value_there_is_no_index() -> None:
    (wind, *_) = Drift(profile([1.0, 2.0])).report()

    assert wind.seen == 0
    assert math.isnan(wind.psi)
    assert math.isnan(wind.nulls)


def test_several_outputs_are_columns_each() -> None:
    columns = columns_of([Features(1.0, "sun")] * 2, [{"high": 0.9, "low": 0.1}, {"high": 0.2, "low": 0.8}])

    assert columns["prediction.high"] == [0.9, 0.2]
    assert list(columns) == ["wind", "icon", "prediction.high", "prediction.low"]


def test_without_a_model_there_is_no_prediction() -> None:
    assert list(columns_of([Features(1.0, "sun")], [None])) == ["wind", "icon"]
    assert columns_of([], []) == {}


def test_a_value_of_another_type_than_the_trainings_counts_as_missing() -> None:
    feature = observed(Drift(profile([1.0, 2.0])), ["calm", 1.0])["wind"]

    assert feature.nulls == 0.5
