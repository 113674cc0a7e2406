"""What a worker knows of itself, frozen: everything that the web pages show.

A worker makes one at most once a second. It is all that leaves the loop: the web pages read it in a thread of their
own, or, with several workers, in the process that started them, where it comes as MessagePack.
"""

from __future__ import annotations

import msgspec

from makiserve.monitoring.histogram import Histogram


class PipelineStep(msgspec.Struct, frozen=True):
    """An operator of a drawn pipeline.

    Attributes:
        name: with its arguments, as the user wrote it.
        path: where it stands, as errors and state sizes name it.
        slots: how many slots of state it has in each scope.
        is_sliced: whether a window is computed from panes; None for what is no window.
        branches: the pipelines inside it.
    """

    name: str
    path: str
    slots: int = 0
    is_sliced: bool | None = None
    branches: tuple[tuple[PipelineStep, ...], ...] = ()


class Service(msgspec.Struct, frozen=True):
    """What is served, from where to where.

    Attributes:
        uri: that the model was loaded from.
        name: in the registry, "" where it has none; likewise `version`.
        digest: of the pipeline's sources.
        makiserve: the version of makiserve.
        pipelines: the title and the steps of each pipeline that runs.
        beside: what scores beside the model, by what it is there for.
    """

    uri: str
    name: str
    version: str
    digest: str
    makiserve: str
    input: str
    output: str
    dead_letters: str
    group: str
    pipelines: tuple[tuple[str, tuple[PipelineStep, ...]], ...] = ()
    beside: tuple[tuple[str, str], ...] = ()


class WorkerStatus(msgspec.Struct, frozen=True):
    """How one worker fares.

    Attributes:
        name: "worker 2", where there are several.
        started_s: when it began, in seconds since 1970.
        turned_s: when its loop last turned, on the machine's monotonic clock; likewise `committed_s`, the last commit.
        memory_bytes: what its process has in memory; 0 where that is not known.
    """

    name: str
    started_s: float
    turned_s: float
    committed_s: float
    memory_bytes: int


class LaneStatus(msgspec.Struct, frozen=True):
    """A partition of a worker.

    Attributes:
        topic: of the partition.
        phase: of its life: "restoring", "running", …
        committed: the offset up to which outputs are visible.
        next_offset: of the next record to score.
        end: one after the last record of the partition; None before the first fetch.
        lag_records: how many records are not committed yet; None while `end` is.
        lag_s: the time since the oldest of them arrived, at most, in seconds; its own timestamp may be much older.
        restored: the part of the records to score again that is done, 0 to 1.
    """

    topic: str
    partition: int
    phase: str
    committed: int
    next_offset: int
    end: int | None
    lag_records: int | None
    lag_s: float
    restored: float


class GroupPartition(msgspec.Struct, frozen=True):
    """A partition of the input as the group sees it, whichever member owns it.

    Attributes:
        lag_records: how many records are not committed; None if nothing was ever committed.
        unowned_s: for how long it has had no owner, in seconds; 0 if it has one, or had one a session ago.
    """

    topic: str
    partition: int
    lag_records: int | None
    unowned_s: float = 0.0


class ShownPrediction(msgspec.Struct, frozen=True):
    """One of the last outputs; key and prediction are shortened."""

    partition: int
    offset: int
    time_ms: int
    key: str
    prediction: str


class ShownDeadLetter(msgspec.Struct, frozen=True):
    """One of the last dead letters; the error is shortened."""

    partition: int
    offset: int
    time_ms: int
    reason: str
    error: str


class StateSize(msgspec.Struct, frozen=True):
    """What an operator remembers over all lanes; `keys` is 0 for one that is no `group_by`."""

    operator: str
    keys: int
    size_bytes: int


class ShownDrift(msgspec.Struct, frozen=True):
    """How far a feature has moved from the training data.

    Attributes:
        feature: its name; `prediction` for what the model says.
        psi: the population stability index: below 0.1 the same, above 0.25 another distribution.
        records: how many recent values it was computed from.
        missing: the part of them that is missing, 0 to 1.
        beyond: the part that is outside of all values of the training.
    """

    feature: str
    psi: float
    records: int
    missing: float = 0.0
    beyond: float = 0.0


class Snapshot(msgspec.Struct, frozen=True):
    """A worker at one moment; counters and histograms are since the start, of what is committed.

    Attributes:
        time_s: when it was made, in seconds since 1970.
        dead: dead letters by reason.
        batch: records a batch.
        stages: seconds a batch, by stage.
        latency: seconds from a record's timestamp to the commit that made its outputs visible.
        dropped_headers: headers that were not passed on because their name is not UTF-8.
        group: all partitions of the input; empty before the first look at the group, or without the right to look.
    """

    time_s: float
    served: Service
    workers: tuple[WorkerStatus, ...]
    lanes: tuple[LaneStatus, ...]
    records: int
    outputs: int
    dead: dict[str, int]
    commits: int
    aborts: int
    rebalances: int
    swaps: int
    batch: Histogram
    stages: dict[str, Histogram]
    latency: Histogram
    state: tuple[StateSize, ...] = ()
    predictions: tuple[ShownPrediction, ...] = ()
    dead_letters: tuple[ShownDeadLetter, ...] = ()
    drift: tuple[ShownDrift, ...] = ()
    dropped_headers: int = 0
    group: tuple[GroupPartition, ...] = ()
