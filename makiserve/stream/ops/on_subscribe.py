"""`ops.on_subscribe`: call a function after an Observable has been subscribed to."""

from __future__ import annotations

from collections.abc import Callable

from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import Disposable, Observer, Scheduler, rx


def on_subscribe(post_action: Callable[[], object]) -> Transform:
    """Call `post_action` after each subscription to the source.

    ```
    --1--2--3--|
      on_subscribe(start)
    --1--2--3--|
    ```

    Args:
        post_action: called without arguments, once for each subscription: for instance, to start a Subject's producer.

    *Emits* the item. *State* none. It runs only on an Observable.

    Raises:
        PipelineError: it is applied in a traced pipeline.

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

    return subscribed_only("on_subscribe", "a lane has no subscriptions", apply)
