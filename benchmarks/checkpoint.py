"""Checkpoint and restore of a lane with many keys: time and bytes per key, and the longest pause of the loop."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.columns import Reading, plan
from benchmarks.large import resident_mb
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.serving.commit import SLICE_S
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata
from makiserve.serving.state.segment_log import METADATA, TopicRecord
from makiserve.stream.columns.engine_choice import parts_of

KEYS = (10_000, 200_000, 1_000_000)
BATCH = 4096


class Measured(NamedTuple):
    """The memory and times of a lane."""

    memory: float
    saving_s: float
    size: int
    pauses: list[float]
    restoring_s: float


def run() -> None:
    """Change every key, write the checkpoint in slices with batches in between, and restore it. Print CPU times."""
    print(f"\nwindows of 20 by key; a slice ends after {SLICE_S * 1000:.0f} ms; producing to Kafka is not included\n")
    print("| keys | memory: bytes per key | checkpoint: µs, bytes per key | slices, longest | restore: µs per key |")
    print("|---|---|---|---|---|")
    gc.collect()
    gc.freeze()  # as the service does when it starts
    for keys in KEYS:
        memory, saving_s, size, pauses, restoring_s = _measured(keys)
        print(
            f"| {keys:,} | {memory:,.0f} | {saving_s / keys * 1e6:.2f}, {size / keys:,.0f} "
            f"| {len(pauses)}, {max(pauses) * 1000:.0f} ms | {restoring_s / keys * 1e6:.2f} |"
        )


def _measured(keys: int) -> Measured:
    scorer = Scorer(plan(), is_tracked=True)
    parts = tuple(map(parts_of, scorer.checkpoints))
    lane, writer = scorer.new_lane(), CheckpointWriter(parts, is_spread=True)
    before = resident_mb()
    for batch in _batches(lane, keys):
        scorer.rebuild(batch)
    gc.collect()
    memory = (resident_mb() - before) * 1e6 / keys
    batches, pauses, records = _batches(lane, keys), list[float](), list[TopicRecord]()
    while not pauses or writer.is_open:
        pauses.append(_timed(lambda: records.extend(writer.write(lane, keys, SLICE_S))))
        if writer.is_open:
            scorer.rebuild(next(batches) if len(pauses) * BATCH < keys else Batch(lane, []))
    size = sum(len(key) + len(value or b"") for key, value in records)
    metadata = OffsetMetadata(0, "", "", 1, "", writer.state_id, writer.checkpoint, writer.manifest)
    contents = Contents()

    def restore() -> None:
        contents.add([*records, (METADATA, str(metadata).encode())])
        contents.saved(parts, metadata, is_spread=True)

    return Measured(memory, sum(pauses), size, pauses, _timed(restore))


def _batches(lane: Lane, keys: int) -> Iterator[Batch]:
    for start in range(0, keys, BATCH):
        yield Batch(lane, [Reading(key=key, value=key * 0.5) for key in range(start, min(keys, start + BATCH))])


def _timed(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start
