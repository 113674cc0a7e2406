"""`ops.from_iterable`: the elements of an iterable as an Observable."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

import rx
from rich.console import Console
from rich.progress import track
from rx.core.typing import Scheduler


def from_iterable(
    iterable: Iterable[Any], scheduler: Scheduler | None = None, progress: bool | dict[str, Any] = False
) -> rx.Observable:
    """An Observable of the elements of `iterable`; each subscription iterates anew.

    ```
      from_iterable([1, 2, 3])
    --1--2--3--|
    ```

    Args:
        iterable: an iterator can be subscribed to once, a list any number of times.
        scheduler: where the elements are emitted; by default in the thread that subscribes.
        progress: True shows a progress bar on stderr; so does a dict, with `prefix`, the text in front of the bar, and
            `interval`, the seconds between updates. (RxSci's `eol` has no meaning here and is accepted.)

    *Emits* each element. *State* none: it is the source of a stream, not a step of a pipeline. *Raises* what the
    iteration raises, as the stream's error.

    >>> import makiserve.stream as rs
    >>> rs.ops.from_iterable(range(4)).pipe(rs.math.sum(reduce=True)).run()
    6
    """
    if not progress:
        return rx.from_iterable(iterable, scheduler)
    options = progress if isinstance(progress, dict) else {}
    return rx.defer(lambda _: rx.from_iterable(_tracked(iterable, **options), scheduler))


def _tracked(iterable: Iterable[Any], prefix: str = "", interval: float = 0.1, eol: str = "") -> Iterable[Any]:
    total = len(iterable) if isinstance(iterable, Sized) else None
    return track(iterable, prefix, total, console=Console(stderr=True), update_period=interval)
