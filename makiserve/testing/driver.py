"""A driver for pipelines and packaged models: batches, commits, checkpoints, crashes and restores, without Kafka."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from makiserve.errors import ArgumentError, PipelineError, RecordError, StateError
from makiserve.records import Record, Schema
from makiserve.records.in_memory import read_rows
from makiserve.records.unseen import UnseenFields
from makiserve.scoring import Batch, Outputs, Scored, Scorer, Served
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata
from makiserve.serving.state.seen import SeenRecords
from makiserve.serving.state.segment_log import METADATA, TopicRecord
from makiserve.stream.columns.engine_choice import parts_of
from makiserve.stream.engine.trace import Transform, trace_factory

Subject = Callable[[], Transform] | str | Served
"""What is tested: a pipeline's factory, the URI of a packaged model, or a loaded model."""


class Output(NamedTuple):
    """An output of a record.

    Attributes:
        offset: the position of the record, from 0.
        item: the item that the post pipeline emitted; without one the prediction, or the features without a model.
        json: the message that the service would publish.
    """

    offset: int
    item: Any
    json: bytes


class DeadLetter(NamedTuple):
    """A record that could not be scored.

    Attributes:
        offset: the position of the record, from 0.
        reason: one word, the same as in the headers of a dead letter.
        error: the error, with a message.
    """

    offset: int
    reason: str
    error: RecordError


class PipelineDriver:
    """Runs a pipeline or a packaged model over the records of one partition, as the service does.

    Records are decoded, scored, saved and restored by the code that serves them. The driver decides what the service
    leaves to chance: how the records are cut into batches, when a commit or a checkpoint happens, and when the process
    crashes. It uses one thread, no clock and no broker.

    Args:
        subject: a pipeline's factory, the URI of a packaged model, or a loaded model.
        record: the type of the records, for a factory. A packaged model has its own.

    Attributes:
        outputs: the committed outputs, in order.
        dead_letters: the committed dead letters, in order.
        committed: the offset after the last committed record.
        position: the offset of the next record to process.
        has_model: whether a model predicts from the features.
        history: the calls since the last `send`, such as `["process(3)", "checkpoint()", "crash()"]`.

    Raises:
        ArgumentError: a factory is given without the type of its records.
        PipelineError: the pipeline cannot be traced, or it keeps state that cannot be saved.

    Example:
        >>> from typing import NamedTuple
        >>> import makiserve, rx, makiserve.stream as rs
        >>> from makiserve.testing import PipelineDriver
        >>> class House(makiserve.Record):
        ...     kwh: float
        >>> class Features(NamedTuple):
        ...     total: float
        >>> def features():
        ...     return rx.pipe(rs.ops.map(lambda i: i.kwh), rs.math.sum(), rs.ops.map(lambda total: Features(total)))
        >>> driver = PipelineDriver(features, record=House)
        >>> driver.send(House(1.0), House(2.0), House(4.0))
        >>> driver.process(2)
        >>> driver.checkpoint()
        >>> driver.process()
        >>> driver.crash()  # before the commit: the last record is processed again
        >>> driver.process()
        >>> driver.commit()
        >>> [output.item.total for output in driver.outputs]
        [1.0, 3.0, 7.0]
    """

    def __init__(self, subject: Subject, *, record: type[Record] | None = None) -> None:
        self._program = _program(subject, record)
        self.has_model = self._program.has_model
        self._schema, self._form = Schema(self._program.record), self._program.form
        self._log: list[Any] = []
        self._state_topic: list[TopicRecord] = []
        self._saved: OffsetMetadata | None = None
        self._outputs: list[Output] = []
        self._dead: list[DeadLetter] = []
        self.outputs: list[Output] = []
        self.dead_letters: list[DeadLetter] = []
        self.history: list[str] = []
        self.committed = self.position = 0
        self._start()

    def send(self, *records: Record | Mapping[str, Any] | bytes) -> None:
        """Append records to the partition: records, dicts, or the bytes of messages.

        Send a record twice for a duplicate, and after later ones if it arrives late. Bytes that do not fit the record
        become a dead letter.
        """
        self.history.clear()
        for record in records:
            read = self._schema.decode_messages([record]) if isinstance(record, bytes) else [record]
            blocks = read_rows(read, self._schema, UnseenFields(self._schema))
            self._log.extend(chain.from_iterable(blocks))

    def process(self, count: int | None = None) -> None:
        """Score the next records as one batch.

        An open checkpoint is completed first, unless the groups of the pipeline are independent of each other:
        otherwise the state may not change before.

        Args:
            count: how many; None for all that have been sent.
        """
        self.history.append(f"process({'' if count is None else count})")
        while self._writer.is_open and not self._writer.is_spread:
            self._save(math.inf)
        end = len(self._log) if count is None else self.position + count
        records = self._log[self.position : end]
        (scored,) = self._scorer.score([Batch(self._lane, records)])
        self._take(self._form.writable(scored, records), records)
        self.position += len(records)

    def commit(self) -> None:
        """Commit the outputs of the processed records."""
        self.history.append("commit()")
        self._commit()

    def checkpoint(self) -> None:
        """Commit, with the state of the partition."""
        self.history.append("checkpoint()")
        self._commit()
        self._save(math.inf)
        while self._writer.is_open:
            self._save(math.inf)

    def checkpoint_slice(self) -> None:
        """Commit, with the smallest possible part of a checkpoint. A large state is saved over many commits."""
        self.history.append("checkpoint_slice()")
        self._commit()
        self._save(0.0)

    def abort(self) -> None:
        """Abort the transaction: rewind the records and the state to the last commit, in the same process."""
        self.history.append("abort()")
        self._restore()

    def crash(self) -> None:
        """End the process without a commit, and start another one, which restores the state of the last commit."""
        self.history.append("crash()")
        self._start()

    def _take(self, scored: Scored, records: list[Any]) -> None:
        causes, objects = self._form.objects(scored, records)
        items = _items(scored, has_model=self.has_model)
        encode = self._form.encode_object
        self._outputs += [
            Output(self.position + cause, item, encode(published))
            for cause, item, published in zip(causes, items, objects, strict=True)
        ]
        self._dead += [DeadLetter(self.position + index, error.reason, error) for index, error in scored.dead]

    def _commit(self) -> None:
        self.outputs += self._outputs
        self.dead_letters += self._dead
        self._outputs, self._dead = [], []
        self.committed = self.position

    def _save(self, limit_s: float) -> None:
        """Commit the next records of a checkpoint: those that are written within the limit, at least one block."""
        writer = self._writer
        self._state_topic += writer.write(self._lane, self.committed, limit_s)
        if writer.is_spread or not writer.is_open:
            self._saved = OffsetMetadata(0, "", "", 1, "", writer.state_id, writer.checkpoint, writer.manifest)
            self._state_topic.append((METADATA, str(self._saved).encode()))

    def _start(self) -> None:
        self._scorer = self._program.start()
        self._parts = tuple(parts_of(checkpoints) for checkpoints in self._scorer.checkpoints)
        self._restore()

    def _restore(self) -> None:
        """Return to the last commit: the last checkpoint, and the records after it reprocessed without output."""
        contents, keys = Contents(), self._scorer.keys
        contents.add(self._state_topic)
        if self._saved is None:
            self._lane = self._scorer.new_lane()
            self._writer = CheckpointWriter(self._parts, is_spread=keys is not None, stale=contents.keys)
            batch = Batch(self._lane, self._log[: self.committed])
        else:
            self._lane, self._writer, seen = contents.saved(self._parts, self._saved, is_spread=keys is not None)
            offsets = range(self._saved.checkpoint or 0, self.committed)
            batch = Batch(self._lane, self._log[offsets.start : offsets.stop])
            batch = SeenRecords(keys, seen).without(batch, offsets) if keys else batch
        self._scorer.rebuild(batch)
        self._outputs, self._dead = [], []
        self.position = self.committed


class _Program:
    """What a process runs: it makes a new scorer for each start."""

    def __init__(self, record: type[Record], form: Outputs, make: Callable[[], Scorer], *, has_model: bool) -> None:
        self.record, self.form, self.has_model = record, form, has_model
        self._make = make
        self._fingerprint: str | None = None

    def start(self) -> Scorer:
        """Return a new scorer.

        Raises:
            PipelineError: the pipeline keeps state that cannot be saved.
            StateError: the factory has returned a pipeline of another shape than before.
        """
        scorer = self._make()
        if scorer.hidden:
            raise PipelineError(
                "the pipeline keeps state that cannot be saved and restored: it can be replayed, but not served: "
                + "; ".join(scorer.hidden)
            )
        if self._fingerprint not in (None, scorer.fingerprint):
            raise StateError(
                "the factory returned a different pipeline than before, so its state cannot be restored. It must "
                "return the same operators each time that it is called"
            )
        self._fingerprint = scorer.fingerprint
        return scorer


def load_subject(subject: Subject) -> Callable[[], Transform] | Served:
    """Return the subject; load the model if it is a URI.

    Raises:
        ModelRefused: the model cannot be loaded.
    """
    if not isinstance(subject, str):
        return subject
    from makiserve.artifact import load  # here, because MLflow takes seconds to import and a pipeline does not need it

    return load(subject)


def _program(subject: Subject, record: type[Record] | None) -> _Program:
    factory = load_subject(subject)
    if not callable(factory):
        served = factory
        has_model = served.predictor is not None
        return _Program(served.record, served.outputs(), lambda: served.scorer(is_tracked=True), has_model=has_model)
    if record is None:
        raise ArgumentError("record", None, "a pipeline's factory needs the type of its records: record=House")
    form = Outputs(record, (), has_model=False, has_post=False)
    return _Program(record, form, lambda: Scorer(trace_factory(factory), is_tracked=True), has_model=False)


def _items(scored: Scored, *, has_model: bool) -> list[Any]:
    if scored.posted is not None:
        return list(scored.posted.items)
    return scored.predictions if has_model else list(scored.features)
