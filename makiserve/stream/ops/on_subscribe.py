"""`ops.on_subscribe`: do something when an Observable has been subscribed to."""

from __future__ import annotations

from collections.abc import Callable

import rx
from rx.core.typing import Observer, Scheduler
from rx.disposable import Disposable

from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import subscribed_only


def on_subscribe(post_action: Callable[[], object]) -> Transform:
    """Calls `post_action` each time the source has been subscribed to.

    ```
    --1--2--3--|
      on_subscribe(start)
    --1--2--3--|
    ```

    Args:
        post_action: called without arguments, once a subscription: to start what feeds a Subject, for instance.

    *Emits* the item. *State* none. It runs on an Observable only.

    Raises:
        PipelineError: it stands in a pipeline that is traced.

    >>> import makiserve.stream as rs
    >>> from rx.subject import Subject
    >>> subject = Subject()
    >>> started = subject.pipe(rs.ops.on_subscribe(lambda: subject.on_next(1)))
    >>> started.subscribe(print).dispose()
    1
    """

    def apply(source: rx.Observable) -> rx.Observable:
        def subscribe(observer: Observer, scheduler: Scheduler | None = None) -> Disposable:
            subscription = source.subscribe(observer, scheduler=scheduler)
            post_action()
            return subscription

        return rx.create(subscribe)

    return subscribed_only("on_subscribe", "nobody subscribes to a lane", apply)
