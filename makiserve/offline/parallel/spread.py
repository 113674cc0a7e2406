"""Sources on several cores: each process scores some of them, this one takes what they give, in order.

What comes out is what a single process gives: the same blocks are scored by the same code, and the sinks are called in
the same order. What has come too early waits in a file. Decision 0041.
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
from makiserve.offline.collect import Sink
from makiserve.offline.feed import Selection
from makiserve.offline.parallel.share import END, Sending, Share, share_from
from makiserve.offline.sources import Block, Source
from makiserve.records import Schema
from makiserve.scoring import Scored

STDERR = 2
MUCH = 64 << 20
"""Bytes to read that take some ten seconds, with a model that is not costly."""

RECORD_BYTES = 100
"""What a message is taken for: the size of a topic's span is its records."""

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
) -> Iterator[tuple[Iterator[tuple[Block, Scored]], list[Progressing]]]:
    """Start the processes; what every block becomes, source by source, and how far each source is.

    Args:
        model: to be scored by.
        schema: of the records.
        sources: each is a lane.
        selection: without a limit, which is over all of them.
        sinks: what they need is sent.
        processes: how many, at most.
        emit: what an output holds.
    """
    far = [Progressing(source) for source in sources]
    records, features = any(each.needs_records for each in sinks), any(each.needs_features for each in sinks)
    sending = Sending(schema, records=records, features=features)
    with ExitStack() as running, tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
        workers: dict[int, ReplayWorker] = {}
        for number, indexes in enumerate(_shared(sources, processes)):
            share = share_from(
                model,
                sources=[sources[index] for index in indexes],
                selection=selection,
                na_values=schema.na_values,
                emit=emit,
                records=records,
                features=features,
                spool=Path(folder, str(number)),
            )
            worker = running.enter_context(_worker(share, [far[index] for index in indexes]))
            workers |= dict.fromkeys(indexes, worker)
        yield (sending.unpack(data) for index in range(len(sources)) for data in workers[index].next_source()), far


class Progressing:
    """A source that another process reads."""

    def __init__(self, source: Source) -> None:
        self.size = source.size
        self.read = 0


class ReplayWorker:
    """A process, seen from here.

    Args:
        process: it.
        notes: what it says of the spool.
        spool: that it writes.
        far: its sources, in order.
    """

    def __init__(self, process: subprocess.Popen[bytes], notes: int, spool: Path, far: list[Progressing]) -> None:
        self._process = process
        self._said: SimpleQueue[int | None] = SimpleQueue()
        self._spool = spool
        self._read = 0
        self._thread = Thread(target=self._listen, args=(notes, far), daemon=True)
        self._thread.start()

    def next_source(self) -> Iterator[bytes]:
        """What it has written of each block of its next source."""
        while length := self._next():
            with self._spool.open("rb") as spool:
                spool.seek(self._read)
                self._read += length
                yield spool.read(length)

    def join(self) -> None:
        """Wait until it has nothing more to say, once the process has ended."""
        self._thread.join()

    def _next(self) -> int:
        length = self._said.get()
        if length is None:
            raise InternalError(
                f"a process of the replay has ended with {self._process.wait()}: see what it says above"
            )
        return length

    def _listen(self, notes: int, far: list[Progressing]) -> None:
        """Take the notes as they come, so that the process never waits for this one."""
        left = iter(far)
        source = next(left, None)
        with os.fdopen(notes) as lines:
            for line in lines:
                length, read = map(int, line.split())
                if source:
                    source.read = read
                if length == END:
                    source = next(left, None)
                self._said.put(length)
        self._said.put(None)


@contextmanager
def _worker(share: Share, far: list[Progressing]) -> Iterator[ReplayWorker]:
    notes, writing = os.pipe()
    command = [sys.executable, "-c", START.format(sys.path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=STDERR, pass_fds=[writing])  # noqa: S603  ours
    os.close(writing)
    worker = ReplayWorker(process, notes, share.spool, far)
    try:
        assert process.stdin  # noqa: S101  it is a pipe
        with (
            suppress(BrokenPipeError),
            process.stdin as stdin,
        ):  # a dead one is noticed when waited for
            pickle.dump(share._replace(notes=writing), stdin)
        yield worker
    finally:
        process.kill()
        process.wait()
        worker.join()


def _shared(sources: Sequence[Source], processes: int) -> list[list[int]]:
    """The sources of each process, in order: the largest first, each to the one that has the least."""
    shares: list[list[int]] = [[] for _ in range(processes)]
    weights = [0] * processes
    for index in sorted(range(len(sources)), key=lambda index: -(sources[index].size or 0)):
        lightest = weights.index(min(weights))
        shares[lightest].append(index)
        weights[lightest] += sources[index].size or 0
    return [sorted(share) for share in shares if share]


def processes_for(sources: Sequence[Source], wanted: int | None) -> int:
    """How many processes to use: one a core, where what there is to read makes up for loading the model again."""
    many = min(len(sources), wanted or len(os.sched_getaffinity(0)))
    if wanted or many < 2:
        return max(many, 1)
    return many if all(source.size is not None for source in sources) and _work(sources) >= MUCH else 1


def _work(sources: Sequence[Source]) -> int:
    return sum((source.size or 0) * (RECORD_BYTES if source.is_keyed else 1) for source in sources)
