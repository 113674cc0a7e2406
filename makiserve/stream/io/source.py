"""Sources: Observables of what a file holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import rx


def source(items: Callable[[], Iterator[Any]]) -> rx.Observable:
    """A cold Observable: each subscription runs the generator function anew, whose errors become the stream's.

    A subscription that is disposed of closes its generator, and so the file that it reads.
    """
    return rx.defer(lambda _: rx.from_iterable(items()))
