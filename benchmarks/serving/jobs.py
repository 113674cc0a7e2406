"""The jobs: the messages of each partition, the packaged model, and the expected predictions from a replay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import joblib
import mlflow
import msgspec
import pyarrow as pa

import makiserve
from models.electricity.data import house_table, write_house
from models.electricity.train import train as train_house
from models.flight_delay.data import flights_table, write_flights
from models.flight_delay.train import train as train_flights

HOUSES = 4
TRAINING_ROWS = 30_000


@dataclass(frozen=True)
class Job:
    """A pipeline with its data.

    Attributes:
        name: name of the pipeline.
        model: folder of the packaged model.
        estimator: file of the fitted estimator without the pipeline.
        lanes: messages of each partition, by their key.
        expected: for each key the offsets of the records that have a prediction, with the predictions.
    """

    name: str
    model: Path
    estimator: Path
    lanes: dict[bytes, list[bytes]]
    expected: dict[bytes, list[tuple[int, float]]]

    @property
    def records(self) -> int:
        """The number of records in all lanes."""
        return sum(map(len, self.lanes.values()))

    @property
    def outputs(self) -> int:
        """The number of outputs of all lanes."""
        return sum(map(len, self.expected.values()))


def electricity(folder: Path, records: int) -> Job:
    """Return the job with one SYNTHETIC house per partition and all columns of its file."""
    folder.mkdir()
    write_house(folder / "train.csv", TRAINING_ROWS, seed=7)
    model, estimator = _package(folder, train_house(folder / "train.csv"))
    rows = records // HOUSES
    lanes = {str(seed).encode(): _messages(house_table(rows, seed)) for seed in range(HOUSES)}
    return Job("electricity", model, estimator, lanes, _replayed(folder, model, lanes))


def flights(folder: Path, records: int) -> Job:
    """Return the job with one New York airport per partition and all columns of the file."""
    folder.mkdir()
    write_flights(folder / "train.csv")
    model, estimator = _package(folder, train_flights(folder / "train.csv", rows=TRAINING_ROWS))
    table = flights_table().slice(0, records)
    lanes: dict[bytes, list[bytes]] = {}
    for origin, message in zip(table["origin"].to_pylist(), _messages(table), strict=True):
        lanes.setdefault(origin.encode(), []).append(message)
    return Job("flights", model, estimator, lanes, _replayed(folder, model, lanes))


def _messages(table: pa.Table) -> list[bytes]:
    return list(map(msgspec.json.encode, table.to_pylist()))


def _package(folder: Path, uri: str) -> tuple[Path, Path]:
    """Return the model as a folder, and the fitted estimator as a file for contestants without makiserve."""
    model = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder / "model")))
    joblib.dump(mlflow.sklearn.load_model(str(model)), folder / "estimator")
    return model, folder / "estimator"


def _replayed(folder: Path, model: Path, lanes: dict[bytes, list[bytes]]) -> dict[bytes, list[tuple[int, float]]]:
    expected = {}
    for key, messages in lanes.items():
        source, target = folder / f"{key.decode()}.jsonl", folder / "replayed.jsonl"
        source.write_bytes(b"\n".join(messages))
        makiserve.replay(str(model), source, output=target, collect=False)
        rows = map(msgspec.json.decode, target.read_bytes().splitlines())
        expected[key] = [(row["offset"], row["prediction"]) for row in rows]
    return expected
