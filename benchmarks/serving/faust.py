"""Faust, exactly once, as its documentation does it: an agent that sees a record, a table by the key of the messages.

python -m benchmarks.serving.faust JOB ESTIMATOR SERVERS INPUT OUTPUT DIRECTORY
"""

from __future__ import annotations

import sys
from typing import Any

import faust

from benchmarks.serving.byhand import PIPELINES, Estimator, Memory

COMMIT_S = 0.1
PARTITIONS = 4
"""Of the input: its tables must have as many."""


def main(job: str, estimator: str, servers: str, source: str, target: str, folder: str) -> None:
    """Serve until SIGTERM."""
    features, predict = PIPELINES[job], Estimator(estimator).predict
    app = faust.App(
        target,
        broker=f"kafka://{servers}",
        processing_guarantee="exactly_once",
        broker_commit_interval=COMMIT_S,
        store="memory://",  # and a changelog in Kafka, from which it is restored
        datadir=folder,
        topic_partitions=PARTITIONS,
    )
    records = app.topic(source, key_type=bytes, value_serializer="json")
    outputs = app.topic(target, key_type=bytes, value_serializer="json")
    table = app.Table("state", partitions=PARTITIONS)

    @app.agent(records)
    async def score(stream: Any) -> None:
        async for event in stream.events():
            state = Memory(table.get(event.key) or {})
            row = features(state, event.value)
            table[event.key] = dict(state)  # the table sees what is assigned
            if row is not None:
                value = {"prediction": predict([row])[0]}
                await outputs.send(key=event.key, value=value, partition=event.message.partition)

    app.main()


if __name__ == "__main__":
    words, sys.argv[1:] = sys.argv[1:], ["worker", "--without-web", "--loglevel", "warn"]
    main(*words)
