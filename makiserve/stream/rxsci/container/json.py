"""JSON as streams of objects: lines of JSON, or one object per file."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import Map
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import compose, rx
from makiserve.stream.rxsci.compression import z, zstd
from makiserve.stream.rxsci.compression.machine import Machine, through
from makiserve.stream.rxsci.compression.z import gzip_decompressor
from makiserve.stream.rxsci.compression.zstd import zstd_decompressor
from makiserve.stream.rxsci.framing import line
from makiserve.stream.rxsci.io.opened import CHUNK_BYTES, File, Open, opened
from makiserve.stream.rxsci.io.read import source
from makiserve.stream.rxsci.io.write import CANNOT_BE_TAKEN_BACK, encoded, write

__all__ = ["dump", "dump_to_file", "load", "load_from_file"]


def load(skip: int = 0, ignore_error: bool = False) -> Transform:
    """Make an object of each JSON text.

    ```
    --'{"a": 1}'--'[2]'--|
      load()
    --{'a': 1}----[2]----|
    ```

    Args:
        skip: the number of items to leave out first.
        ignore_error: leave out items that are not JSON; otherwise such an item ends the stream with its error, and in a
            lane becomes a dead letter.

    *Emits* an object for each str or bytes; nothing for an empty one or for `null`. *State* the number of items left
    out. *Raises* DecodeError for what is not JSON, or more than one object.

    Raises:
        PipelineError: skip is not an integer of at least 0.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_(['{"a": 1}', b"[2, null]"]).pipe(rs.container.json.load()).subscribe(print).dispose()
    {'a': 1}
    [2, None]
    """
    return operator(LoadJson(whole_number(skip, "json.load: skip", least=0), ignore_error))


@dataclass(frozen=True, eq=False)
class LoadJson(Operator):
    """The node of `json.load`."""

    name: ClassVar[str] = "json_load"
    skip: int
    ignore_error: bool

    @property
    def traits(self) -> Traits:
        return Traits(stateless=not self.skip)

    def build(self, then: Stage, scope: Scope) -> Part:
        skipped = scope.value(0) if self.skip else 0
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{skipped}]"
            if self.skip:
                with code.block(f"if {place} < {self.skip}:"):
                    code.line(f"{place} += 1")
            with code.block("else:") if self.skip else nullcontext():
                loaded = code.let("loaded", f"{code.constant(self._loaded, 'loaded')}({item})")
                with code.block(f"if {loaded} is not None:"):
                    then.push(code, loaded)

        return Part(push, then.complete)

    def _loaded(self, text: str | bytes) -> Any:
        if not text:
            return None
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self.ignore_error:
                return None
            raise DecodeError(str(error)) from error


def dump(newline: str = "\n") -> Transform:
    r"""Make a JSON text of each object.

    ```
    --{'a': 1}------[2]----|
      dump()
    --'{"a":1}\n'--'[2]\n'-|
    ```

    Args:
        newline: the text to put at the end of each JSON text.

    *Emits* a str for each object: dicts, lists, numbers, texts, and what else msgspec encodes: records, named tuples
    (as arrays), dataclasses, datetimes. *State* none. *Raises* TypeError for other objects.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([{"a": 1}, [2]]).pipe(rs.container.json.dump(newline="")).subscribe(print).dispose()
    {"a":1}
    [2]
    """
    return operator(DumpJson(partial(_dumped, newline), newline))


@dataclass(frozen=True, eq=False)
class DumpJson(Map):
    """The node of `json.dump`."""

    name: ClassVar[str] = "json_dump"
    newline: str


def _dumped(newline: str, value: Any) -> str:
    return msgspec.json.encode(value).decode() + newline


Compression = Literal["gzip", "zstd"]
DECOMPRESSORS: dict[str, Callable[[], Machine]] = {"gzip": gzip_decompressor, "zstd": zstd_decompressor}


def load_from_file(
    filename: File,
    lines: bool = True,
    skip: int = 0,
    ignore_error: bool = False,
    encoding: str = "utf-8",
    compression: Compression | None = None,
    open_obj: Open = open,
) -> rx.Observable:
    r"""Emit the objects of a JSON file.

    ```
      load_from_file("file.json")
    --{'a': 1}--{'a': 2}--|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        lines: whether each line is an object; if False, the whole file is one.
        skip: the number of lines to leave out first.
        ignore_error: leave out lines that are not JSON.
        encoding: the encoding of the text.
        compression: the compression of the file; None if it is not compressed.
        open_obj: the function that opens the path for bytes.

    *Emits* an object for each line, except blank ones and `null`; or one. *State* none: it is the source of a stream.
    *Raises*, as the stream's error, what opening and reading raise, and DecodeError for what is not JSON, or compressed
    bytes that are damaged or truncated.

    Raises:
        PipelineError: the compression is unknown.

    >>> import io, makiserve.stream as rs
    >>> file = io.BytesIO(b'{"a": 1}\n{"a": 2}\n')
    >>> rs.container.json.load_from_file(file).subscribe(print).dispose()
    {'a': 1}
    {'a': 2}
    """
    if compression is not None and compression not in DECOMPRESSORS:
        raise PipelineError(f"json.load_from_file: compression must be gzip, zstd or None, not {compression!r}")

    def texts() -> Iterator[str]:
        with opened(filename, "rb", open_obj=open_obj) as file:
            chunks: Iterator[bytes] = iter(partial(file.read, CHUNK_BYTES), b"")
            if compression is not None:
                chunks = through(DECOMPRESSORS[compression](), chunks)
            text = codecs.iterdecode(chunks, encoding)
            if lines:
                yield from text
            else:
                yield "".join(text)

    framing = [line.unframe()] if lines else []
    return source(texts).pipe(*framing, load(skip, ignore_error))


COMPRESSORS = {"gzip": z.compress, "zstd": zstd.compress}


def dump_to_file(
    filename: File,
    newline: str = "\n",
    encoding: str = "utf-8",
    compression: Compression | None = None,
    open_obj: Open = open,
) -> Transform:
    r"""Write each object to a file as a line of JSON.

    ```
    --{'a': 1}--{'a': 2}--|
      dump_to_file("file.json")
    ----------------------|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        newline: the end of a line.
        encoding: the encoding of the text.
        compression: the compression of the file; None for no compression.
        open_obj: the function that opens the path for bytes.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what `dump`, opening and writing raise.

    Raises:
        PipelineError: the compression is unknown, or it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.BytesIO()
    >>> rx.from_([{"a": 1}, {"a": 2}]).pipe(rs.container.json.dump_to_file(file)).subscribe().dispose()
    >>> file.getvalue()
    b'{"a":1}\n{"a":2}\n'
    """
    if compression is not None and compression not in COMPRESSORS:
        raise PipelineError(f"json.dump_to_file: compression must be gzip, zstd or None, not {compression!r}")
    compressing = [] if compression is None else [COMPRESSORS[compression]()]
    steps = compose(dump(newline), encoded(encoding), *compressing, write(filename, "wb", open_obj=open_obj))
    return subscribed_only("json.dump_to_file", CANNOT_BE_TAKEN_BACK, steps)
