"""The time until a service is ready and its memory then, by flavor of the model."""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from confluent_kafka.admin import AdminClient

from benchmarks.predict import FLAVORS, saved
from makiserve.testing.broker import KafkaServer, create_topic, install

ROUNDS = 3
TIMEOUT_S = 120


def run() -> None:
    """Start a service for each installed flavor. The models have no pipeline, so only the model is measured."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    print("\n| | ready after, s: median, max | CPU s | memory, MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, KafkaServer(install(), Path(folder, "kafka")) as server:
        admin = AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0})
        for number, (name, make) in enumerate(FLAVORS.items()):
            model = Path(folder, f"model-{number}")
            saved(make()[0], model)
            for topic in (f"in-{number}", f"out-{number}"):
                create_topic(admin, topic)
            options = ["--input", f"in-{number}", "--output", f"out-{number}", "--http", "off"]
            starts = [
                _start(["--model", str(model), *options], server.bootstrap_servers, folder) for _ in range(ROUNDS)
            ]
            seconds, cpu, memory = (sorted(column) for column in zip(*starts, strict=True))
            medians = [statistics.median(values) for values in (seconds, cpu, memory)]
            print(f"| {name} | {medians[0]:.1f}, {seconds[-1]:.1f} | {medians[1]:.1f} | {medians[2]:.0f} |", flush=True)


def _start(options: list[str], servers: str, folder: str) -> tuple[float, float, float]:
    """Return the seconds until the partition runs, the CPU seconds until then, and the memory in MB."""
    log = Path(folder, "log")
    command = [sys.executable, "-m", "makiserve", *options, "--bootstrap-servers", servers]
    began = time.perf_counter()
    with log.open("wb") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            while "→ running" not in log.read_text():
                if process.poll() is not None or time.perf_counter() > began + TIMEOUT_S:
                    raise RuntimeError(log.read_text())
                time.sleep(0.02)
            seconds, proc = time.perf_counter() - began, Path(f"/proc/{process.pid}")
            ticks = proc.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]
            status = proc.joinpath("status").read_text().splitlines()
            kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        finally:
            process.terminate()
    return seconds, sum(map(int, ticks)) / 100, kilobytes / 1000
