"""What checkpoints cost while a worker serves: a hundred thousand keys are touched between two of them."""

from __future__ import annotations

import gc
import statistics
import time

import msgspec

from benchmarks.serving.shops import Sale
from makiserve.artifact import features_only
from makiserve.records import Schema
from makiserve.scoring import Batch, Lane
from makiserve.serving.schedule import CHECKPOINT_S, CHECKPOINT_SHARE
from makiserve.serving.state.checkpoint import CheckpointWriter
from makiserve.serving.state.segments import TopicRecord
from makiserve.stream.columns.choose import parts_of

KEYS = 100_000
ROUNDS = 5
BATCH = 4096


def run() -> None:
    """Decode and score a record of each key, then save: the two in turn; producing to Kafka is not in it."""
    scorer, schema = features_only("benchmarks.serving.shops:features").scorer(is_tracked=True), Schema(Sale)
    lane, writer = scorer.new_lane(), CheckpointWriter(tuple(map(parts_of, scorer.checkpoints)))
    values = [msgspec.json.encode({"shop": number, "amount": number * 0.5}) for number in range(KEYS)]
    scoring, saving, size = [], [], 0
    for _ in range(ROUNDS):
        gc.collect()
        start = time.perf_counter()
        for first in range(0, KEYS, BATCH):
            scorer.score([Batch(lane, [schema.decode_json(each) for each in values[first : first + BATCH]])])
        middle = time.perf_counter()
        size = sum(len(key) + len(value or b"") for key, value in _records(writer, lane))
        scoring.append(middle - start)
        saving.append(time.perf_counter() - middle)
    own, between = statistics.median(saving), statistics.median(scoring)
    pause = max(CHECKPOINT_S, CHECKPOINT_SHARE * own)
    print(f"\n{KEYS:,} keys touched between two checkpoints, {size / 1e6:.1f} MB a checkpoint, {ROUNDS} rounds\n")
    print("| | s: min, median, max |\n|---|---|")
    for name, found in (("decode and score a record of each", scoring), ("the checkpoint", saving)):
        print(f"| {name} | {min(found):.2f}, {statistics.median(found):.2f}, {max(found):.2f} |")
    print(
        f"\nThat is {own / between:.2f} of the scoring, and {own / (pause + own):.1%} of the time of a worker's loop:"
    )
    print(f"the next checkpoint is due {pause:.0f} s later.")


def _records(writer: CheckpointWriter, lane: Lane) -> list[TopicRecord]:
    """Return all records of a checkpoint."""
    records = writer.write(lane, 0)
    while writer.is_open:
        records += writer.write(lane, 0)
    return records
