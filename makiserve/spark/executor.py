"""On an executor: the sorted rows of a partition through the scorer, one lane after the other."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from makiserve.errors import RecordError
from makiserve.scoring import Batch, Lane, Scored
from makiserve.spark.job import Opened, SparkJob
from makiserve.spark.rows import RecordReader, RowOrder, in_utc
from makiserve.stream.event_time import with_zone

DEAD_LETTER = "dead_letter"
"""The column with the reason and the error of a record that could not be processed; null for an output."""

DEAD_LETTER_TYPE = pa.struct([("reason", pa.string()), ("error", pa.string())])


def run_partition(data: bytes, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the outputs and dead letters of a partition's rows, which are sorted by lane and time.

    It has no effect but its result, so that Spark may repeat a task. It holds one batch and one lane's state, so that
    memory does not grow with the number of rows of a key.

    Args:
        data: the pickled `SparkJob`.
        batches: the rows; a batch may end anywhere, also within a lane.
    """
    lanes: _Lanes | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        if lanes is None:
            lanes = _Lanes(*_opened(data), batch.schema.names)
        yield lanes.outputs(batch)


@lru_cache(maxsize=1)
def _opened(data: bytes) -> tuple[SparkJob, Opened]:
    """Return a job and its opened package. Spark reuses its Python processes for many tasks."""
    job: SparkJob = pickle.loads(data)  # noqa: S301  pickled by `SparkJob.task`
    return job, job.package.open()


class _Lanes:
    """The lanes of a partition. Only one is open at a time."""

    def __init__(self, job: SparkJob, opened: Opened, names: list[str]) -> None:
        self._job = job
        self._scorer, self._form = opened.scorer, opened.form
        self._reader = RecordReader(opened.schema, names)
        self._order = RowOrder(job.key, job.time, job.tie_by)
        self._lane: Lane | None = None

    def outputs(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the outputs and dead letters of a batch, in the order of their records."""
        begins, records = self._order.begins(batch), self._reader.records(batch)
        is_warmup = self._is_warmup(batch.column(self._job.time))
        batches, starts = [], []
        for start, end in self._segments(begins):
            lane = self._lane_of(is_new=bool(begins[start]))
            first = start + int(is_warmup[start:end].sum())
            if first > start:
                self._scorer.rebuild(Batch(lane, records[start:first]))
            if first < end:
                batches.append(Batch(lane, records[first:end]))
                starts.append(range(first, end))
        parts = zip(self._scorer.score(batches), starts, strict=True)
        scored = Scored.concat([part.map_causes(rows) for part, rows in parts])
        return self._batch(batch, scored, records)

    def _segments(self, begins: Any) -> Iterator[tuple[int, int]]:
        """Yield the start and end of the rows of each lane."""
        starts = np.flatnonzero(begins).tolist()
        if not begins[0]:
            starts.insert(0, 0)
        return zip(starts, [*starts[1:], len(begins)], strict=True)

    def _lane_of(self, *, is_new: bool) -> Lane:
        if self._lane is None or is_new:
            self._lane = self._scorer.new_lane()
        return self._lane

    def _is_warmup(self, times: pa.Array) -> Any:
        first: Any = self._job.emit_from
        if first is None:
            return np.zeros(len(times), bool)
        times = in_utc(times)
        if isinstance(first, datetime) and times.type.tz is not None:
            first = with_zone(first)
        kind = times.type if isinstance(first, date) else None
        return pc.less(times, pa.scalar(first, kind)).to_numpy(zero_copy_only=False)

    def _batch(self, batch: pa.RecordBatch, scored: Scored, records: Sequence[Any]) -> pa.RecordBatch:
        causes, columns, dead = self._job.columns.arrays(self._form, scored, records)
        rows = pa.array([*causes, *(index for index, _ in dead)], pa.int64())
        dead_letters = [_dead_letter(error) for _, error in dead]
        arrays = {name: batch.column(name).take(rows) for name in self._job.place}
        for name, column in columns.items():
            arrays[name] = pa.concat_arrays([column, pa.nulls(len(dead), column.type)])
        arrays[DEAD_LETTER] = pa.array([None] * len(causes) + dead_letters, DEAD_LETTER_TYPE)
        outputs = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
        return outputs.take(pc.sort_indices(rows)) if dead else outputs


def _dead_letter(error: RecordError) -> dict[str, str]:
    return {"reason": error.reason, "error": str(error)}
