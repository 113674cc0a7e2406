"""An executor whose environment differs from the driver's is checked as a service is at its start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

import makiserve.spark
from makiserve.spark.packages import PipelinePackage, package_of
from tests.spark.test_features import COLUMNS, on_spark, rows
from tests.spark.weather import write_weather


@contextmanager
def on_executors(spark: SparkSession, **variables: str) -> Iterator[None]:
    """Set variables in the environment of the Python processes of tasks, but not in that of the driver."""
    environment = spark.sparkContext.environment
    before = dict(environment)
    environment.update(variables)
    try:
        yield
    finally:
        environment.clear()
        environment.update(before)


def imported(package: PipelinePackage) -> str:
    """Return the name of a library that a pipeline imports."""
    return next(name for line in package.requirements if (name := Requirement(line).name) != "makiserve")


def other_version(folder: Path, name: str) -> str:
    """Return a folder that has another version of a package, as far as its metadata show."""
    metadata = folder / f"{name}-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    return str(folder)


def test_pipeline_that_differs_on_an_executor_stops_the_job(spark: SparkSession, tmp_path: Path) -> None:
    window = 'int(os.environ.get("WEATHER_WINDOW", "3"))'
    weather = write_weather(tmp_path, "weather_by_environment", window=window)
    name = imported(package_of(weather.features, weather.Reading))
    df = spark.createDataFrame(rows(60), COLUMNS)
    assert on_spark(df, weather).num_rows > 0
    message = rf"(?s)does not build the same pipeline on this executor.*environment: {name}: packaged .*, here 0\.0\.1"
    with (
        on_executors(spark, WEATHER_WINDOW="4", PYTHONPATH=other_version(tmp_path / "other", name)),
        pytest.raises(PythonException, match=message),
    ):
        on_spark(df, weather)


def test_executor_with_another_package_version_is_logged(weather: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    package = package_of(weather.features, weather.Reading)
    name = imported(package)
    assert package.open().scorer.fingerprint == package.fingerprint
    assert not caplog.records
    replace(package, requirements=(f"{name}==0.0.1",)).open()
    assert f"the environment of this executor differs: {name}: packaged 0.0.1, here" in caplog.text


def test_model_that_differs_on_an_executor_stops_the_job(spark: SparkSession, model: str) -> None:
    df = spark.createDataFrame(rows(60), COLUMNS)
    with (
        on_executors(spark, WARMER_BY="1"),
        pytest.raises(PythonException, match="does not reproduce its reference outputs here, so it must not serve"),
    ):
        makiserve.spark.score(df, model, key="station", time="at").toArrow()
