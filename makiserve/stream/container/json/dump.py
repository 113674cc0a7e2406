"""`container.json.dump`: objects as JSON texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import msgspec

from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import Map


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
    return operator(Dump(partial(_dumped, newline), newline))


@dataclass(frozen=True, eq=False)
class Dump(Map):
    """The node of `json.dump`."""

    name: ClassVar[str] = "json_dump"
    newline: str


def _dumped(newline: str, value: Any) -> str:
    return msgspec.json.encode(value).decode() + newline
