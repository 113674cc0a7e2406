"""The whole of makiserve in two minutes: train, log, serve on a broker, replay, compare. `make demo` runs it.

The data is real: flights from New York in January and February 2013. The model is trained on the first 40,000 flights
and then serves the next 10,000, which it has not seen. Without KAFKA_BOOTSTRAP_SERVERS the demo uses librdkafka's mock
cluster, which implements Kafka's protocol inside this process. The mock cluster is enough for a demonstration;
`make test` verifies the guarantees on Apache Kafka.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from itertools import islice
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

import makiserve
from examples.broker import Broker, broker
from examples.service import Output, Service
from makiserve.offline import Comparison, Replayed, compare
from makiserve.records import RecordFile, Schema
from models.flight_delay.data import write_flights
from models.flight_delay.features import Flight
from models.flight_delay.train import train

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "demo"
MODEL = "models:/flight_delay@champion"
LABEL = "arr_delay"
TRAINED_ON, SERVED = 40_000, 10_000
ROWS_PER_S = 1_500
TIMEOUT_S = 90

screen = Console(highlight=False)
logging.getLogger("mlflow").setLevel(logging.WARNING)


def main() -> int:
    """Run the demo. Return 0 if every served prediction equals the replay's."""
    history, live = prepare()
    screen.rule("1  train")
    screen.print(f"{TRAINED_ON:,} real flights; features: departure and arrival delays of earlier flights")
    train(history, name="flight_delay", alias="champion")
    service_topics = ("flights.delays.dead-letters", "makiserve.flights.delays.state")
    with broker("flights", "flights.delays", service_topics=service_topics) as kafka:
        screen.rule("2  serve")
        screen.print(f"{kafka.kind} at {kafka.servers}")
        served = serve(live, kafka)
    screen.rule("3  replay")
    replayed = makiserve.replay(MODEL, live, label=LABEL, output=FOLDER / "predictions.csv", report=True)
    show(replayed)
    screen.rule("4  compare")
    expected = [(("live", offset), msgspec.json.encode({"prediction": value})) for offset, value in replayed.outputs]
    return verdict(compare(expected, [(("live", output.source), output.value) for output in served]), len(served))


def prepare() -> tuple[Path, Path]:
    """Write the flights for training and for serving into a new folder, which also contains MLflow's store."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{FOLDER / 'mlflow.db'}"
    history, live, flights = (FOLDER / f"{name}.csv" for name in ("history", "live", "flights"))
    write_flights(flights)
    with flights.open() as lines:
        header = next(lines)
        history.write_text(header + "".join(islice(lines, TRAINED_ON)))
        live.write_text(header + "".join(islice(lines, SERVED)))
    return history, live


def serve(live: Path, kafka: Broker) -> list[Output]:
    """Send the file to the topic while the service scores it. Return the outputs of the service."""
    values = encoded(live, Flight)
    expected = len(makiserve.replay(MODEL, live).outputs)
    with Service(MODEL, kafka, "flights", "flights.delays") as service:
        service.wait_until_ready(TIMEOUT_S)
        screen.print(f"status page: {service.status_page}")
        started = time.monotonic()
        with Live(console=screen, refresh_per_second=8) as view:
            sent = 0
            while len(service.outputs) < expected and time.monotonic() - started < TIMEOUT_S:
                due = min(len(values), int((time.monotonic() - started) * ROWS_PER_S))
                kafka.send("flights", values[sent:due])
                sent = due
                service.read()
                view.update(service.view(sent, time.monotonic() - started))
        if sys.stdin.isatty():
            screen.input("The status page is available until you press Enter. ")
        service.stop()
    screen.print()
    return service.outputs


def encoded(file: Path, record: type[makiserve.Record]) -> list[bytes]:
    """Return the records of a file as JSON messages."""
    schema = Schema(record)
    return [
        schema.encode_json(item) for block in RecordFile(file, schema) for item in block if isinstance(item, record)
    ]


def show(replayed: Replayed) -> None:
    """Print the replay's rate, its error and those of the baselines, and write the report."""
    screen.print(f"{replayed.rows:,} flights in {replayed.seconds:.2f} s, {len(replayed.outputs):,} predictions")
    if replayed.metrics:
        errors = {"the model": replayed.metrics.figures} | dict(replayed.metrics.baselines)
        for name, figures in errors.items():
            screen.print(f"  {name:12} rmse {figures['rmse']:6.2f} minutes on flights not used for training")
    if replayed.report:
        report = FOLDER / "report.html"
        report.write_text(replayed.report.html())
        screen.print(f"report: {report.relative_to(Path.cwd()) if report.is_relative_to(Path.cwd()) else report}")


def verdict(comparison: Comparison, served: int) -> int:
    """Print whether serving and replay agree. Return the exit code."""
    differ = comparison.different + comparison.missing + comparison.unexpected
    equal = comparison.identical + comparison.close
    screen.print(f"{served:,} predictions served, {equal:,} equal to the replay, {differ:,} different")
    if comparison.close:
        screen.print(f"({comparison.close} of them up to the last bits: BLAS rounding depends on the size of a batch)")
    if comparison.agree and served:
        screen.print("[bold green]Serving and replay agree on every record.[/]")
        return 0
    screen.print(f"[bold red]First difference:[/] {comparison.first}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
