"""A replay on several cores: each process scores some of the sources, and this one passes their blocks on in order.

The result is that of a single process: the same code scores the same blocks, and the sinks are called in the same
order. Blocks that arrive too early wait in a file. Decision 0041.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.errors import InternalError
from makiserve.offline.feed import Selection
from makiserve.offline.parallel.share import END, Sending, Share, share_from
from makiserve.offline.sinks import Sink
from makiserve.offline.sources import Block, Source
from makiserve.records import Schema
from makiserve.records.order import Order
from makiserve.scoring import Scored

STDERR = 2
MIN_PARALLEL_BYTES = 64 << 20
"""Bytes that take about ten seconds to read and score with a cheap model."""

RECORD_BYTES = 100
"""Assumed bytes of a message, because the size of a topic's span is in records."""

START = "import sys; sys.path[:] = {!r}; from makiserve.offline.parallel.share import main; main()"


@contextmanager
def spread(
    model: PackagedModel | FeaturesOnly,
    schema: Schema,
    sources: Sequence[Source],
    selection: Selection,
    sinks: Sequence[Sink],
    processes: int,
    emit: Sequence[str],
    order: Order | None = None,
) -> Iterator[tuple[Iterator[tuple[Block, Scored]], list[Progressing]]]:
    """Start the processes; yield the scored blocks, source by source, and the progress of each source.

    Args:
        model: the model to score with.
        schema: of the records.
        sources: each is a lane.
        selection: without a limit, because a limit counts records over all sources.
        sinks: the processes send only what these need.
        processes: maximum number of processes.
        emit: what an output holds.
        order: the order that the lanes must have; None to accept any.
    """
    progressing = [Progressing(source) for source in sources]
    records, features = any(sink.needs_records for sink in sinks), any(sink.needs_features for sink in sinks)
    sending = Sending(schema, records=records, features=features)
    with ExitStack() as running, tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
        workers: dict[int, ReplayWorker] = {}
        for number, indexes in enumerate(_shares(sources, processes)):
            share = share_from(
                model,
                sources=[sources[index] for index in indexes],
                selection=selection,
                order=order,
                na_values=schema.na_values,
                emit=emit,
                records=records,
                features=features,
                spool=Path(folder, str(number)),
            )
            worker = running.enter_context(_worker(share, [progressing[index] for index in indexes]))
            workers |= dict.fromkeys(indexes, worker)
        yield (
            (sending.unpack(data) for index in range(len(sources)) for data in workers[index].next_source()),
            progressing,
        )


class Progressing:
    """The progress of a source that another process reads."""

    def __init__(self, source: Source) -> None:
        self.size = source.size
        self.read = 0


class ReplayWorker:
    """A process of the replay, as the parent sees it.

    Args:
        process: the process.
        notes: the file descriptor of the pipe on which it reports progress.
        spool: the file that it writes.
        progressing: the progress of its sources, in order.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], notes: int, spool: Path, progressing: list[Progressing]
    ) -> None:
        self._process = process
        self._lengths: SimpleQueue[int | None] = SimpleQueue()
        self._spool = spool
        self._read = 0
        self._thread = Thread(target=self._listen, args=(notes, progressing), daemon=True)
        self._thread.start()

    def next_source(self) -> Iterator[bytes]:
        """Yield the bytes of each block of its next source."""
        while length := self._next():
            with self._spool.open("rb") as spool:
                spool.seek(self._read)
                self._read += length
                yield spool.read(length)

    def join(self) -> None:
        """Wait until the last note has been read, after the process has ended."""
        self._thread.join()

    def _next(self) -> int:
        length = self._lengths.get()
        if length is None:
            raise InternalError(
                f"a process of the replay exited with code {self._process.wait()}: see its output above"
            )
        return length

    def _listen(self, notes: int, progressing: list[Progressing]) -> None:
        """Read the notes as they arrive, so that the process never waits for this one."""
        remaining = iter(progressing)
        source = next(remaining, None)
        with os.fdopen(notes) as lines:
            for line in lines:
                length, read = map(int, line.split())
                if source:
                    source.read = read
                if length == END:
                    source = next(remaining, None)
                self._lengths.put(length)
        self._lengths.put(None)


@contextmanager
def _worker(share: Share, progressing: list[Progressing]) -> Iterator[ReplayWorker]:
    notes, writing = os.pipe()
    command = [sys.executable, "-c", START.format(sys.path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=STDERR, pass_fds=[writing])  # noqa: S603  ours
    os.close(writing)
    worker = ReplayWorker(process, notes, share.spool, progressing)
    try:
        assert process.stdin  # noqa: S101  it is a pipe
        with (
            suppress(BrokenPipeError),
            process.stdin as stdin,
        ):  # `next_source` detects a process that has died
            pickle.dump(share._replace(notes=writing), stdin)
        yield worker
    finally:
        process.kill()
        process.wait()
        worker.join()


def _shares(sources: Sequence[Source], processes: int) -> list[list[int]]:
    """Return the sources of each process, in order. The largest source is assigned first, to the least loaded."""
    shares: list[list[int]] = [[] for _ in range(processes)]
    weights = [0] * processes
    for index in sorted(range(len(sources)), key=lambda index: -(sources[index].size or 0)):
        lightest = weights.index(min(weights))
        shares[lightest].append(index)
        weights[lightest] += sources[index].size or 0
    return [sorted(share) for share in shares if share]


def processes_for(sources: Sequence[Source], wanted: int | None) -> int:
    """Return the number of processes: one per core if there is enough to read to justify loading the model again."""
    count = min(len(sources), wanted or len(os.sched_getaffinity(0)))
    if wanted or count < 2:
        return max(count, 1)
    return (
        count
        if all(source.size is not None for source in sources) and _bytes_to_read(sources) >= MIN_PARALLEL_BYTES
        else 1
    )


def _bytes_to_read(sources: Sequence[Source]) -> int:
    return sum((source.size or 0) * (RECORD_BYTES if source.is_keyed else 1) for source in sources)
