"""Snapshots of a worker: immutable values that contain everything that the web pages show.

A worker makes at most one snapshot per second. Nothing else leaves its loop. The web pages read the snapshot in their
own thread. With several workers, they read it in the parent process, which receives it as MessagePack.
"""

from __future__ import annotations

import msgspec

from makiserve.monitoring.totals import Totals


class PipelineStep(msgspec.Struct, frozen=True):
    """An operator of a pipeline, as the status page draws it.

    Attributes:
        name: the operator with its arguments, as the user wrote it.
        path: its position in the pipeline, as used in errors and state sizes.
        slots: the number of state slots in each scope.
        is_sliced: whether a window is computed from panes; None if the operator is not a window.
        branches: the pipelines inside it.
    """

    name: str
    path: str
    slots: int = 0
    is_sliced: bool | None = None
    branches: tuple[tuple[PipelineStep, ...], ...] = ()


class Service(msgspec.Struct, frozen=True):
    """The model that is served, with its topics and group.

    Attributes:
        uri: the URI from which the model was loaded.
        name: the model's name in the registry; "" if it has none.
        version: the model's version in the registry; "" if it has none.
        digest: the digest of the pipeline's sources.
        makiserve: the version of makiserve.
        pipelines: the title and the steps of each running pipeline.
        companions: the other models that score alongside this one, by role.
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
    companions: tuple[tuple[str, str], ...] = ()


class WorkerStatus(msgspec.Struct, frozen=True):
    """The status of one worker.

    Attributes:
        name: "worker 2", if there are several.
        started_s: when it started, in seconds since 1970.
        iterated_s: when its loop last ran, on the machine's monotonic clock.
        committed_s: when it last committed, on the same clock.
        memory_bytes: the resident memory of its process; 0 if that is not known.
    """

    name: str
    started_s: float
    iterated_s: float
    committed_s: float
    memory_bytes: int


class LaneStatus(msgspec.Struct, frozen=True):
    """The status of a worker's partition.

    Attributes:
        topic: the input topic.
        phase: "restoring", "running", …
        committed: the offset up to which outputs are visible.
        next_offset: the offset of the next record to score.
        end: one after the last record of the partition; None before the first fetch.
        lag_records: the number of records that are not committed yet; None while `end` is None.
        lag_s: an upper bound of the seconds since the oldest of them arrived. Its own timestamp may be much older.
        restored: the share of the records to score again that is done, 0 to 1.
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
    """A partition of the input as the group sees it, regardless of its owner.

    Attributes:
        lag_records: the number of uncommitted records; None if nothing was ever committed.
        unowned_s: the seconds for which it has had no owner; 0 if it has one, or had one a session ago.
    """

    topic: str
    partition: int
    lag_records: int | None
    unowned_s: float = 0.0


class ShownPrediction(msgspec.Struct, frozen=True):
    """A recent output. Its key and prediction are shortened."""

    partition: int
    offset: int
    time_ms: int
    key: str
    prediction: str


class ShownDeadLetter(msgspec.Struct, frozen=True):
    """A recent dead letter. Its error is shortened."""

    partition: int
    offset: int
    time_ms: int
    reason: str
    error: str


class StateSize(msgspec.Struct, frozen=True):
    """The state of an operator over all lanes. `keys` is 0 unless the operator is a `group_by`."""

    operator: str
    keys: int
    size_bytes: int


class ShownDrift(msgspec.Struct, frozen=True):
    """How far a feature has moved from the training data.

    Attributes:
        feature: the name of the feature; `prediction` for the model's output.
        psi: the population stability index. Below 0.1 the distribution is the same, above 0.25 it is another one.
        records: the number of recent values from which it was computed.
        missing: the share of these values that is missing, 0 to 1.
        beyond: the share of these values that is outside of all values in the training data.
    """

    feature: str
    psi: float
    records: int
    missing: float = 0.0
    beyond: float = 0.0


class Snapshot(msgspec.Struct, frozen=True):
    """A worker at one moment.

    Attributes:
        time_s: when it was made, in seconds since 1970.
        group: all partitions of the input; empty before the first look at the group, or without permission for it.
    """

    time_s: float
    served: Service
    workers: tuple[WorkerStatus, ...]
    lanes: tuple[LaneStatus, ...]
    totals: Totals
    state: tuple[StateSize, ...] = ()
    predictions: tuple[ShownPrediction, ...] = ()
    dead_letters: tuple[ShownDeadLetter, ...] = ()
    drift: tuple[ShownDrift, ...] = ()
    group: tuple[GroupPartition, ...] = ()
