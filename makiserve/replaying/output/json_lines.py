"""Outputs as JSON lines: each as it would be published, its position before it."""

from __future__ import annotations

from typing import Any, BinaryIO

from makiserve.replaying.output.columns import Columns
from makiserve.scoring import Outputs


class JsonLinesWriter:
    """One object a line.

    Args:
        file: to write to.
        titles: none are written.
        form: what is published.
    """

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None:
        self._file = file
        self._encode = form.encode_object

    def write(self, places: Columns, objects: list[Any]) -> None:
        names = list(places)
        heads = (self._encode(dict(zip(names, row, strict=True))) for row in zip(*places.values(), strict=True))
        values = map(self._encode, objects)
        self._file.writelines(_joined(head, value) for head, value in zip(heads, values, strict=True))

    def close(self) -> None:
        return

    def drop(self) -> None:
        return


def _joined(head: bytes, value: bytes) -> bytes:
    """Two objects, neither of them empty, as one."""
    return head[:-1] + b"," + value[1:] + b"\n" if value != b"{}" else head + b"\n"
