"""`data.encode`: text to bytes."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.incremental import Incremental, check_encoding
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import map


def encode(encoding: str = "utf8", incremental: bool = True) -> Transform:
    r"""Encodes text.

    ```
    --"a"---"é"----------|
      encode()
    --b"a"--b"\xc3\xa9"--b""|
    ```

    Args:
        encoding: a name that Python's `codecs` knows.
        incremental: take the items as pieces of one text: a byte order mark stands before the first piece only.

    *Emits* bytes for each item and, when incremental, what is left at completion, mostly `b""`.
    *State* the encoder's, one integer a key. *Raises* `UnicodeEncodeError` for what the encoding cannot express.

    Raises:
        PipelineError: there is no such encoding.

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
