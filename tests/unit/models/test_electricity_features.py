"""The features of a house: six hours of readings, an hour apart, each column as worked out apart from the pipeline."""

from statistics import stdev

import numpy as np
import pandas as pd
import pytest

import makiserve
from models.electricity.data import write_house
from models.electricity.features import Reading, features


def reading(minute, **changes):
    calm = {"house_overall": 1.0, "temperature": 30.0, "pressure": 1000.0, "wind_speed": 5.0}
    return Reading(time=1451624400 + minute, **calm | changes)


def frame_of(readings):
    return makiserve.features_frame(readings, features=features, record=Reading)


def test_first_row_after_six_hours_then_one_per_hour():
    assert frame_of([reading(minute) for minute in range(359)]).empty
    assert list(frame_of([reading(minute) for minute in range(480)]).index) == [359, 419, 479]


def test_row_is_the_last_reading_and_the_temperature_stddev():
    readings = [reading(minute, temperature=-10.0 + minute / 10) for minute in range(359)]
    readings.append(reading(359, house_overall=2.5, temperature=25.0, pressure=1010.0, wind_speed=4.0))
    (row,) = frame_of(readings).itertuples(index=False)
    assert (row.label, row.temperature) == (2.5, 25.0)
    assert row.pspeed_ratio == pytest.approx(1010.0 / 4.00001)
    assert row.temperature_stddev == pytest.approx(stdev(reading.temperature for reading in readings), rel=1e-12)


def test_without_wind_the_ratio_is_large_and_finite():
    (row,) = frame_of([reading(minute, wind_speed=0.0) for minute in range(360)]).itertuples(index=False)
    assert row.pspeed_ratio == pytest.approx(1000.0 / 1e-5)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp("house") / "house.csv"
    write_house(path, rows=5000, seed=7)
    return path


def test_features_of_a_file_equal_pandas(house):
    frame = makiserve.features_frame(house, features=features, record=Reading)
    rows = pd.read_csv(house, low_memory=False)
    expected = pd.DataFrame(
        {
            "label": rows["House overall [kW]"],
            "pspeed_ratio": rows["pressure"] / (rows["windSpeed"] + 1e-5),
            "temperature": rows["temperature"],
            "temperature_stddev": rows["temperature"].rolling(360).std(),
        }
    ).iloc[359::60]
    assert list(frame.columns) == list(expected.columns)
    assert list(frame.index) == list(expected.index)
    np.testing.assert_allclose(frame, expected, rtol=1e-9)


def test_reading_without_temperature_is_left_out_of_windows(house, tmp_path):
    header, *lines = house.read_text().splitlines()
    cells = lines[100].split(",")
    cells[header.split(",").index("temperature")] = ""
    damaged = tmp_path / "damaged.csv"
    damaged.write_text("\n".join([header, *lines[:100], ",".join(cells), *lines[101:]]) + "\n")
    frame = makiserve.features_frame(damaged, features=features, record=Reading)
    assert frame.attrs["dead_letters"] == 1
    assert list(frame.index[:2]) == [360, 420]
    whole = tmp_path / "whole.csv"
    whole.write_text("\n".join([header, *lines[:100], *lines[101:]]) + "\n")
    pd.testing.assert_frame_equal(
        frame.reset_index(drop=True),
        makiserve.features_frame(whole, features=features, record=Reading).reset_index(drop=True),
    )
