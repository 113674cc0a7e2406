"""Quix Streams, exactly once, as in its documentation: a stateful function per record, state by the message's key.

python -m benchmarks.serving.quix JOB ESTIMATOR SERVERS INPUT OUTPUT STATE_DIRECTORY
"""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application

from benchmarks.serving.byhand import PIPELINES, Estimator, State

COMMIT_S = 0.1


def main(job: str, estimator: str, servers: str, source: str, target: str, folder: str) -> None:
    """Serve until SIGTERM."""
    features, predict = PIPELINES[job], Estimator(estimator).predict

    def score(record: dict[str, Any], state: State) -> list[dict[str, float]]:
        row = features(state, record)
        return [] if row is None else [{"prediction": predict([row])[0]}]

    app = Application(
        broker_address=servers,
        consumer_group=target,
        auto_offset_reset="earliest",
        commit_interval=COMMIT_S,
        processing_guarantee="exactly-once",
        state_dir=folder,
    )
    stream = app.dataframe(app.topic(source, value_deserializer="json"))
    stream.apply(score, stateful=True, expand=True).to_topic(app.topic(target, value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
