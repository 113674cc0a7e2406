"""`data.encode`, `data.decode`: text to bytes and back."""

from __future__ import annotations

import codecs
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import map

Step = Callable[[Any, Any, bool], tuple[Any, Any]]
"""State, piece, and whether the piece is the last → converted piece and next state."""


def encode(encoding: str = "utf8", incremental: bool = True) -> Transform:
    r"""Encode text.

    ```
    --"a"---"é"----------|
      encode()
    --b"a"--b"\xc3\xa9"--b""|
    ```

    Args:
        encoding: a name that Python's `codecs` knows.
        incremental: treat the items as pieces of one text: only the first piece gets a byte order mark.

    *Emits* bytes for each item and, when incremental, what is left at completion, mostly `b""`.
    *State* the encoder's, one integer a key. *Raises* `UnicodeEncodeError` for what the encoding cannot express.

    Raises:
        PipelineError: Python does not know the encoding.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_(["a", "é"]).pipe(rs.data.encode(incremental=False)).subscribe(print).dispose()
    b'a'
    b'\xc3\xa9'
    """
    check_encoding(encoding)
    return operator(Encode(encoding)) if incremental else map(lambda text: text.encode(encoding))


@dataclass(frozen=True, eq=False)
class Incremental(Operator):
    """Converts pieces with one of Python's codecs, whose state between two pieces is kept as a plain value."""

    traits = Traits(one_to_one=True, writes_late=True)
    encoding: str

    @abstractmethod
    def codec(self) -> tuple[Any, Callable[[Any, bool], Any], Any]:
        """Return the codec object, its conversion function and an empty piece."""

    def build(self, then: Stage, scope: Scope) -> Part:
        codec, convert, empty = self.codec()

        def step(state: Any, piece: Any, final: bool) -> tuple[Any, Any]:
            codec.setstate(state)
            return convert(piece, final), codec.getstate()

        slot = scope.value(codec.getstate())
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place, piece, after = f"{code.state(scope)}[{slot}]", code.name("piece"), code.name("after")
            code.line(f"{piece}, {after} = {code.constant(step, 'step')}({place}, {item}, False)")
            code.later(f"{place} = {after}")
            then.push(code, piece)

        def complete(code: Code) -> None:
            then.call(code, f"{code.constant(step, 'step')}({code.state(scope)}[{slot}], {empty!r}, True)[0]")
            then.complete(code)

        return Part(push, complete)


@dataclass(frozen=True, eq=False)
class Encode(Incremental):
    """The node of `encode`."""

    name: ClassVar[str] = "encode"

    def codec(self) -> tuple[Any, Callable[[Any, bool], Any], Any]:
        encoder = codecs.getincrementalencoder(self.encoding)()
        return encoder, encoder.encode, ""


def decode(encoding: str = "utf8", incremental: bool = True) -> Transform:
    r"""Decode bytes.

    ```
    --b"a\xc3"--b"\xa9"--|
      decode()
    --"a"-------"é"------""|
    ```

    Args:
        encoding: a name that Python's `codecs` knows.
        incremental: treat the items as pieces of one text: a character may be split between two pieces.

    *Emits* text for each item and, when incremental, what is left at completion, mostly `""`. *State* the bytes of the
    split character and one integer a key. *Raises* `UnicodeDecodeError` for bytes that are not of the encoding.

    Raises:
        PipelineError: Python does not know the encoding.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([b"a\xc3", b"\xa9"]).pipe(rs.data.decode()).subscribe(lambda text: print(repr(text))).dispose()
    'a'
    'é'
    ''
    """
    check_encoding(encoding)
    return operator(Decode(encoding)) if incremental else map(lambda data: data.decode(encoding))


@dataclass(frozen=True, eq=False)
class Decode(Incremental):
    """The node of `decode`."""

    name: ClassVar[str] = "decode"

    def codec(self) -> tuple[Any, Callable[[Any, bool], Any], Any]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        return decoder, decoder.decode, b""


def check_encoding(encoding: str) -> None:
    """Raise if Python does not know the encoding.

    Raises:
        PipelineError: the encoding is unknown.
    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise PipelineError(f"{error}: see the standard encodings of Python's codecs module") from error
