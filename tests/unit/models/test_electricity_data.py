"""The synthetic house: the shape of the real file, and what a model can learn from it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from models.electricity.data import COLUMNS, house_table, main, write_house
from models.electricity.synthetic import weather_columns
from tests.loops import loop_over

EXCERPT = Path(__file__).parents[4] / "shared" / "data" / "HomeC-first-2838-rows.csv"
WEEK = 7 * 24 * 60
YEAR = 503_910  # the rows of the real file: 350 days


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    path = tmp_path_factory.mktemp("house") / "house.csv"
    write_house(path, rows=WEEK, seed=7)
    return path


@pytest.fixture(scope="module")
def year():
    return house_table(YEAR, seed=7)


@pytest.fixture(scope="module")
def excerpt():
    if not EXCERPT.exists():
        pytest.skip("the excerpt of the real file, which the project does not ship, is not beside it")
    return EXCERPT


def test_the_columns_are_those_of_the_real_file(week, excerpt):
    with week.open() as ours, excerpt.open() as real:
        assert ours.readline() == real.readline()


def test_column_types_equal_the_real_file(week, excerpt):
    ours, real = csv.read_csv(week), csv.read_csv(excerpt)
    assert [pa.types.is_string(kind) for kind in ours.schema.types] == [
        pa.types.is_string(kind) for kind in real.schema.types
    ]


def test_file_has_32_columns_without_empty_or_quoted_cells(week):
    lines = week.read_text().splitlines()
    assert len(lines) == 1 + WEEK
    assert '"' not in week.read_text()
    assert {len(line.split(",")) for line in lines} == {32}
    assert not any(",," in line or line.endswith(",") for line in lines)


def test_the_same_seed_writes_the_same_bytes(week, tmp_path):
    write_house(tmp_path / "again.csv", rows=WEEK, seed=7)
    assert (tmp_path / "again.csv").read_bytes() == week.read_bytes()


def test_another_seed_is_another_house(week, tmp_path):
    write_house(tmp_path / "other.csv", rows=WEEK, seed=8)
    assert (tmp_path / "other.csv").read_bytes() != week.read_bytes()


@pytest.mark.parametrize("rows", [1, 59, 60, 61, 2_838])
def test_longer_file_begins_with_the_shorter_file(week, tmp_path, rows):
    write_house(tmp_path / "short.csv", rows=rows, seed=7)
    assert week.read_bytes().startswith((tmp_path / "short.csv").read_bytes())


@pytest.mark.slow
def test_time_increases_by_one(year):
    assert np.array_equal(year["time"].to_numpy(), 1451624400 + np.arange(YEAR))


@pytest.mark.slow
def test_cloud_cover_is_text_in_the_first_hour(year):
    cover = year["cloudCover"].to_pylist()
    assert set(cover[:60]) == {"cloudCover"}
    assert all(0 <= float(part) <= 1 for part in cover[60::60])


@loop_over("seed", range(10))
def test_ten_thousand_rows_of_any_seed_go_below_zero(seed):
    assert weather_columns(10_000 // 60, seed)["temperature"].min() == -11.45


@pytest.mark.parametrize(
    ("column", "mean", "deviation"),
    [
        ("House overall [kW]", 0.85896, 1.05746),
        ("temperature", 50.745, 19.101),
        ("windSpeed", 6.650, 3.982),
    ],
)
@pytest.mark.slow
def test_a_year_is_near_the_published_statistics(year, column, mean, deviation):
    values = year[column].to_numpy()
    assert values.mean() == pytest.approx(mean, rel=0.05)
    assert values.std() == pytest.approx(deviation, rel=0.05)


@pytest.mark.slow
def test_pressure_is_near_the_published_statistics(year):
    pressure = year["pressure"].to_numpy()
    assert pressure.mean() == pytest.approx(1016.30, abs=1)
    assert pressure.std() == pytest.approx(7.894, rel=0.05)


@pytest.mark.slow
def test_default_house_is_in_the_published_ranges(year):
    ranges = {"House overall [kW]": (0, 14.7146), "temperature": (-11.45, 93.72)}
    ranges |= {"pressure": (986.4, 1042.46), "windSpeed": (0, 22.91)}
    extremes = {column: pc.min_max(year[column]).as_py() for column in ranges}
    assert all(low <= extremes[name]["min"] and extremes[name]["max"] <= high for name, (low, high) in ranges.items())


@pytest.mark.slow
def test_consumption_peaks_in_the_evening_and_summers_are_warm(year):
    minute = np.arange(YEAR)
    hour, month = minute // 60 % 24, minute // (30 * 24 * 60)
    power, temperature = year["House overall [kW]"].to_numpy(), year["temperature"].to_numpy()
    assert power[hour == 18].mean() > 1.5 * power[hour == 3].mean()
    assert temperature[month == 6].mean() > temperature[month == 1].mean() + 30


@pytest.mark.slow
def test_air_is_never_wetter_than_it_can_be(year):
    assert pc.all(pc.less_equal(year["dewPoint"], year["temperature"])).as_py()
    assert pc.all(pc.less_equal(year["humidity"], 1.0)).as_py()


@pytest.mark.slow
def test_the_sun_makes_no_power_at_night(year):
    hour = np.arange(YEAR) // 60 % 24
    assert year["Solar [kW]"].to_numpy()[hour == 0].max() < 0.01


def test_command_reports_the_house_as_synthetic(tmp_path, monkeypatch, capsys):
    output = tmp_path / "house.csv"
    monkeypatch.setattr("sys.argv", ["data", "--rows", "100", "--output", str(output)])
    main()
    assert capsys.readouterr().out == f"{output}: 100 rows of a SYNTHETIC house, seed 7\n"
    assert output.read_text().count("\n") == 101
    assert output.read_text().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize("wrong", [["--rows", "0"], ["--seed", "-1"]])
def test_the_command_refuses_what_makes_no_house(tmp_path, monkeypatch, wrong):
    monkeypatch.setattr("sys.argv", ["data", *wrong, "--output", str(tmp_path / "house.csv")])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert not (tmp_path / "house.csv").exists()
