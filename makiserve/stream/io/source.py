"""Sources: Observables of a file's content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from makiserve.stream.reactive import rx


def source(items: Callable[[], Iterator[Any]]) -> rx.Observable:
    """Return a cold Observable: each subscription runs the generator function, whose errors become the stream's.

    Disposing of a subscription closes its generator, and so the file that it reads.
    """
    return rx.defer(lambda _: rx.from_iterable(items()))
