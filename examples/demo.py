"""The whole of makiserve in two minutes: train, log, serve on a broker, replay, compare. `make demo` runs it.

It needs nothing but this repository. Without KAFKA_BOOTSTRAP_SERVERS it brings a broker of its own: librdkafka's mock
cluster, which speaks Kafka's protocol and lives in this process. That one is for showing; what is promised about
faults is proven on Apache Kafka, by `make test`.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

import makiserve
from examples.broker import Broker, broker
from examples.service import Output, Service
from makiserve.replaying import Comparison, compare
from makiserve.schema import RecordFile, Schema
from models.electricity.data import write_house
from models.electricity.features import Reading
from models.electricity.train import train

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "demo"
MODEL = "models:/house@champion"
ROWS = 20_000
ROWS_PER_S = 2_000
PATIENCE_S = 60

screen = Console(highlight=False)
logging.getLogger("mlflow").setLevel(logging.WARNING)


def main() -> int:
    """Run the demo; 0 when every prediction that was served is the replay's."""
    house = prepare()
    screen.rule("1  train")
    screen.print(f"{ROWS:,} readings of a SYNTHETIC house: {house.relative_to(Path.cwd())}")
    train(house, name="house", alias="champion")
    own = ("house.predictions.dead-letters", "makiserve.house.predictions.state")
    with broker("house", "house.predictions", own=own) as kafka:
        screen.rule("2  serve")
        screen.print(f"{kafka.kind} at {kafka.servers}")
        served = serve(house, kafka)
    screen.rule("3  replay")
    replayed = makiserve.replay(MODEL, house, label="house_overall", output=FOLDER / "predictions.csv")
    metrics = replayed.metrics
    screen.print(f"{replayed.rows:,} rows in {replayed.seconds:.2f} s, {len(replayed.outputs)} predictions")
    if metrics:
        mean = metrics.baselines["mean"]["rmse"]
        screen.print(f"rmse {metrics['rmse']:.3f} kW; always predicting the mean gives {mean:.3f} kW")
    screen.rule("4  compare")
    expected = [(("house", offset), msgspec.json.encode({"prediction": value})) for offset, value in replayed.outputs]
    return verdict(compare(expected, [(("house", each.source), each.value) for each in served]), len(served))


def prepare() -> Path:
    """A fresh folder with the data; MLflow's store will stand there too."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{FOLDER / 'mlflow.db'}"
    house = FOLDER / "house.csv"
    write_house(house, rows=ROWS, seed=7)
    return house


def serve(house: Path, kafka: Broker) -> list[Output]:
    """Stream the file in, as fast as a busy site would, while the service scores it; what it wrote."""
    values = encoded(house)
    expected = len(makiserve.replay(MODEL, house).outputs)
    with Service(MODEL, kafka, "house", "house.predictions") as service:
        service.wait_until_ready(PATIENCE_S)
        started = time.monotonic()
        with Live(console=screen, refresh_per_second=8) as live:
            sent = 0
            while len(service.outputs) < expected and time.monotonic() - started < PATIENCE_S:
                due = min(len(values), int((time.monotonic() - started) * ROWS_PER_S))
                kafka.send("house", values[sent:due])
                sent = due
                service.read()
                live.update(service.view(sent, time.monotonic() - started))
        service.stop()
    screen.print()
    return service.outputs


def encoded(house: Path) -> list[bytes]:
    """The readings as the JSON messages that a meter would send."""
    schema = Schema(Reading)
    return [
        schema.encode_json(each) for block in RecordFile(house, schema) for each in block if isinstance(each, Reading)
    ]


def verdict(comparison: Comparison, served: int) -> int:
    """Say whether serving and replay agree, in the last lines."""
    differ = comparison.different + comparison.missing + comparison.unexpected
    equal = comparison.identical + comparison.close
    screen.print(f"{served} predictions served, {equal} equal the replay, {differ} differ")
    if comparison.close:
        screen.print(f"({comparison.close} of them in the last bits only: BLAS rounds by the size of a batch)")
    if comparison.agree and served:
        screen.print("[bold green]What was served is what the replay gives, record by record.[/]")
        return 0
    screen.print(f"[bold red]They part here:[/] {comparison.first}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
