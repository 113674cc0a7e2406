"""`data.encode`, `data.decode`: text to bytes and back."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.incremental import Incremental, check_encoding
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import map


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
