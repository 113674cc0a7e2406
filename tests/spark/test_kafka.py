"""Spark and a service give the same bytes for the same records: outputs, and dead letters with their reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import mlflow
import msgspec
from pyspark.sql import Row, SparkSession

import makiserve.spark
from tests.integration.serving.service import Service, read, send
from tests.spark.test_features import COLUMNS, rows

STATIONS = 4
EMIT = ("prediction", "features")


def test_spark_gives_the_bytes_that_a_service_publishes(
    spark: SparkSession, kafka: str, topic: Callable[..., str], model: str
) -> None:
    """A station is a partition for the service, and a key for Spark."""
    data, input_, output = rows(400, stations=STATIONS), topic(STATIONS), topic(STATIONS)
    df = spark.createDataFrame(data, COLUMNS)
    scored = makiserve.spark.score(df, model, key="station", time="at", emit=EMIT).orderBy("station", "at").collect()
    lanes = [[row for row in scored if row.station == f"s{number}"] for number in range(STATIONS)]
    outputs = [[encoded(row) for row in lane if row.dead_letter is None] for lane in lanes]
    expected = {
        (row.station, row.at.astimezone(timezone.utc), row.dead_letter.reason) for row in scored if row.dead_letter
    }
    assert {reason for _, _, reason in expected} == {"operator", "predict"}

    sent = [sorted(row for row in data if row[0] == f"s{number}") for number in range(STATIONS)]
    with Service(model, kafka, input_, output, mlflow.get_tracking_uri(), ["--emit", ",".join(EMIT)]) as service:
        for number, lane in enumerate(sent):
            send(kafka, input_, map(as_json, lane), partition=number)
        written = read(kafka, output, enough=sum(map(len, outputs)))
        dead = read(kafka, f"{output}.dead-letters", enough=len(expected))
        assert service.stop()[0] == 0
    assert [[message.value() for message in written[number]] for number in range(STATIONS)] == outputs
    dead_letters = [identified(message, sent) for messages in dead.values() for message in messages]
    assert len(dead_letters) == len(expected)
    assert set(dead_letters) == expected


def as_json(row: tuple[Any, ...]) -> bytes:
    station, at, fahrenheit = row
    return json.dumps({"station": station, "at": at.isoformat(), "fahrenheit": fahrenheit}).encode()


def encoded(row: Row) -> bytes:
    return msgspec.json.encode({"prediction": row.prediction, "features": row.features.asDict()})


def identified(message: Any, sent: list[list[tuple[Any, ...]]]) -> tuple[str, datetime, str]:
    """Return the station and the time of the record of a dead letter, and the reason."""
    headers = {name: value.decode() for name, value in message.headers()}
    partition, offset = map(int, re.findall(r"\[(\d+)\]@(\d+)$", headers["makiserve.source"])[0])
    station, at, _ = sent[partition][offset]
    return station, at, headers["makiserve.reason"]
