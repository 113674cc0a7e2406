"""Spark sessions for the tests: one in this process, one with separate executors, one over Spark Connect."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import mlflow
import pytest
from pyspark.sql import SparkSession

from tests.spark.model import log_weather
from tests.spark.weather import write_weather

MASTER = os.environ.get("SPARK_TEST_MASTER", "local[2]")

JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""The first compiler and the serial collector only, as for the broker: a session lives for minutes. Half of the CPU."""


def pytest_configure(config: pytest.Config) -> None:
    # Of pyspark 4.2 with pandas 3, which it has not been released for.
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:pyspark")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:pyspark")
    config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")  # py4j's sockets


def start(master: str, folder: Path, **further: str) -> SparkSession:
    """Start a session. In the names of further options, two underscores take the place of a dot."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master(master).appName("makiserve tests")
    options = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.session.timeZone": "Asia/Kathmandu",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": JVM,
        "spark.executor.extraJavaOptions": JVM,
        "spark.log.level": "ERROR",
        **{name.replace("__", "."): value for name, value in further.items()},
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = start(MASTER, tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture(scope="module")
def model(weather: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, before = tmp_path_factory.mktemp("mlflow"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    yield log_weather(weather, folder)
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="session")
def weather(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return write_weather(tmp_path_factory.mktemp("driver"), "weather_of_the_driver")
