"""Structs that several threads may decode."""

from __future__ import annotations

from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def thread_safe(struct: type[S]) -> type[S]:
    """Let msgspec prepare a Struct now, so that any thread may decode it.

    Otherwise msgspec prepares it when it is first decoded. If two threads do so at once, the process ends with a
    segmentation fault (msgspec 0.22).
    """
    msgspec.json.Decoder(struct)
    return struct
