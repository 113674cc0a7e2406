"""The example models: train from a file, register a version, replay and serve it."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import mlflow
import msgspec
import numpy as np
import pytest

import makiserve
from makiserve.artifact.reference.reproduction import check_reference
from makiserve.errors import ConfigurationError
from models.electricity import train as electricity
from models.electricity.data import write_house
from models.flight_delay import train as flight_delay
from models.flight_delay.data import write_flights
from tests.integration.serving.service import Service, predictions, read, send, sources

FLIGHTS = 6000


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking store for this module in a temporary working directory, which also gets the artifacts."""
    here, before = Path.cwd(), mlflow.get_tracking_uri()
    os.chdir(tmp_path_factory.mktemp("store"))
    uri = f"sqlite:///{Path.cwd() / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    yield uri
    os.chdir(here)
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def house(store: str) -> Path:
    write_house(Path("house.csv"), rows=12_000, seed=7)
    return Path("house.csv")


@pytest.fixture(scope="module")
def flights(store: str) -> Path:
    write_flights(Path("all.csv"))
    with Path("all.csv").open() as file:
        Path("flights.csv").write_text("".join(islice(file, 1 + FLIGHTS)))
    return Path("flights.csv")


@pytest.fixture(scope="module")
def house_uri(house: Path) -> str:
    return electricity.train(house)


@pytest.fixture(scope="module")
def flights_uri(flights: Path) -> str:
    return flight_delay.train(flights)


def logged(uri: str) -> dict[str, float]:
    """Return the metrics of the run that logged a version."""
    return mlflow.get_run(makiserve.load(uri).run_id).data.metrics


def replayed_rmse(uri: str, source: Path, label: str) -> float:
    """Return the RMSE of a replay on the last fifth of the predictions that have a label."""
    with source.open(newline="") as file:
        labels = [row[label] for row in csv.DictReader(file)]
    outputs = makiserve.replay(uri, source).outputs
    errors = [prediction - float(labels[offset]) for offset, prediction in outputs if labels[offset]]
    return float(np.sqrt(np.mean(np.square(errors[int(len(errors) * 0.8) :]))))


def test_train_registers_a_version_with_the_alias(house_uri: str, flights_uri: str) -> None:
    client = mlflow.MlflowClient()
    for name, uri in (("house", house_uri), ("flight_delay", flights_uri)):
        assert f"models:/{name}/{client.get_model_version_by_alias(name, 'champion').version}" == uri


def test_label_is_not_an_input_of_a_model(house_uri: str, flights_uri: str) -> None:
    assert makiserve.load(house_uri).predictor.inputs == tuple(electricity.INPUTS)
    assert makiserve.load(flights_uri).predictor.inputs == tuple(flight_delay.INPUTS)
    assert "label" not in {*electricity.INPUTS, *flight_delay.INPUTS}


def test_trained_model_reproduces_its_reference_outputs(house_uri: str, flights_uri: str) -> None:
    for uri in (house_uri, flights_uri):
        check_reference(makiserve.load(uri))


def test_flights_reference_has_flights_after_landings(flights_uri: str) -> None:
    outputs = makiserve.load(flights_uri).reference.outputs
    assert any(output.features["time_lost_mean"] for output in outputs)
    assert any(output.features["carrier_time_lost"] for output in outputs)
    assert any(output.features["dest_time_lost"] for output in outputs)


def test_replay_of_held_out_rows_has_the_error_of_training(
    house_uri: str, house: Path, flights_uri: str, flights: Path
) -> None:
    assert replayed_rmse(house_uri, house, "House overall [kW]") == pytest.approx(logged(house_uri)["rmse"], rel=1e-9)
    assert replayed_rmse(flights_uri, flights, "arr_delay") == pytest.approx(logged(flights_uri)["rmse"], rel=1e-9)


def test_features_of_earlier_flights_reduce_the_error(flights_uri: str) -> None:
    errors = logged(flights_uri)
    assert errors["rmse"] < errors["rmse_own_inputs_only"] < errors["rmse_dep_delay"]


def test_unknown_carrier_and_destination_are_predicted(flights_uri: str, flights: Path, tmp_path: Path) -> None:
    with flights.open(newline="") as file:
        header, *rows = islice(csv.reader(file), 200)
    carrier, dest = header.index("carrier"), header.index("dest")
    for row in rows:
        row[carrier], row[dest] = "ZZ", "ZZZ"
    strange = tmp_path / "strange.csv"
    with strange.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    replayed = makiserve.replay(flights_uri, strange)
    assert not replayed.dead
    assert len(replayed.outputs) > 100


def test_cancelled_flight_has_no_prediction(flights_uri: str, flights: Path) -> None:
    with flights.open(newline="") as file:
        cancelled = {offset for offset, row in enumerate(csv.DictReader(file)) if not row["dep_delay"]}
    predicted = {offset for offset, _ in makiserve.replay(flights_uri, flights).outputs}
    assert cancelled
    assert not cancelled & predicted


def test_flights_served_by_origin_equal_the_replay(
    kafka: str, topic: Callable[..., str], store: str, flights_uri: str, flights: Path
) -> None:
    partition = {"EWR": 0, "JFK": 1, "LGA": 1}
    sent: list[list[tuple[int, bytes]]] = [[], []]
    for offset, flight in enumerate(flight_delay.first_flights(flights, None)):
        sent[partition[flight.origin]].append((offset, msgspec.json.encode(flight)))
    input_, output = topic(2), topic(2)
    for number, messages in enumerate(sent):
        send(kafka, input_, [value for _, value in messages], partition=number)
    replayed = makiserve.replay(flights_uri, flights).outputs
    with Service(flights_uri, kafka, input_, output, store) as service:
        written = read(kafka, output, enough=len(replayed))
        assert service.stop()[0] == 0
    served = {
        sent[number][source][0]: prediction
        for number, messages in written.items()
        for source, prediction in zip(sources(messages), predictions(messages), strict=True)
    }
    assert sum(map(len, written.values())) == len(served)
    # BLAS gives other last bits for another batch size.
    assert served == pytest.approx(dict(replayed), rel=1e-6)


def test_train_command_prints_the_next_command(
    house_uri: str, house: Path, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(house), "--tracking-uri", store, "--name", "cabin", "--alias", "trial"]
    monkeypatch.setattr("sys.argv", ["train", *arguments])
    electricity.main()
    result, uri, command = capsys.readouterr().out.splitlines()
    assert result.startswith(f"rmse {logged('models:/cabin/1')['rmse']:.4f} kW on the last 39 of 195 hours")
    assert uri.startswith("models:/cabin/1 is now models:/cabin@trial.")
    assert command.startswith(
        f"  MLFLOW_TRACKING_URI={store} makiserve --model models:/cabin@trial --replay house.csv "
    )
    assert makiserve.load("models:/cabin@trial").digest == makiserve.load(house_uri).digest


def test_first_flights_reads_only_the_rows_asked_for(flights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(flight_delay.first_flights(flights, 100)) == 100
    assert len(flight_delay.first_flights(flights, None)) == FLIGHTS


def test_train_file_shorter_than_a_window_is_rejected(house: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    with house.open() as file:
        short.write_text("".join(islice(file, 360)))
    with pytest.raises(ConfigurationError, match="too few"):
        electricity.train(short)


def test_train_command_without_the_file_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["train", "--data", "nowhere.csv"])
    with pytest.raises(SystemExit) as ending:
        flight_delay.main()
    assert ending.value.code == 2
    assert "nowhere.csv" in capsys.readouterr().err
