"""Faust, exactly once, as in its documentation: an agent receives one record, and a table has the state of each key.

python -m benchmarks.serving.faust JOB ESTIMATOR SERVERS INPUT OUTPUT DIRECTORY
"""

from __future__ import annotations

import sys
from typing import Any

import faust

from benchmarks.serving.byhand import PIPELINES, Estimator, Memory

COMMIT_S = 0.1
PARTITIONS = 4
"""Number of partitions of the input, and of Faust's tables."""


def main(job: str, estimator: str, servers: str, source: str, target: str, folder: str) -> None:
    """Serve until SIGTERM."""
    features, predict = PIPELINES[job], Estimator(estimator).predict
    app = faust.App(
        target,
        broker=f"kafka://{servers}",
        processing_guarantee="exactly_once",
        broker_commit_interval=COMMIT_S,
        store="memory://",  # with a changelog in Kafka, from which it is restored
        datadir=folder,
        topic_partitions=PARTITIONS,
    )
    records = app.topic(source, key_type=bytes, value_serializer="json")
    outputs = app.topic(target, key_type=bytes, value_serializer="json")
    table = app.Table("state", partitions=PARTITIONS)

    @app.agent(records)  # type: ignore[untyped-decorator]  # the development environment lacks Faust
    async def score(stream: Any) -> None:
        async for event in stream.events():
            state = Memory(table.get(event.key) or {})
            row = features(state, event.value)
            table[event.key] = dict(state)  # the table only notices an assignment
            if row is not None:
                value = {"prediction": predict([row])[0]}
                await outputs.send(key=event.key, value=value, partition=event.message.partition)

    app.main()


if __name__ == "__main__":
    arguments, sys.argv[1:] = sys.argv[1:], ["worker", "--without-web", "--loglevel", "warn"]
    main(*arguments)
