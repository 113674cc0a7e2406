"""`state.with_memory_store`: run a pipeline with its state in memory."""

from __future__ import annotations

import rx

from makiserve.stream.engine.trace import Pipeline, Traced, Transform


def with_memory_store(pipeline: Pipeline) -> Transform:
    """Runs `pipeline` over state in memory.

    Every operator of this package works on any Observable as it is, so that this adds nothing: it stands in pipelines
    written for RxSci, and is transparent when such a pipeline is packaged. Each subscription has a state of its own
    (in RxSci, two live subscriptions of one pipeline object share it).

    *Emits* what the pipeline emits. *State* none of its own.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_memory_store(rx.pipe(rs.math.sum(reduce=True)))).run()
    6
    """
    transform = pipeline if callable(pipeline) else rx.pipe(*pipeline)

    def apply(source: rx.Observable) -> rx.Observable:
        return transform(source if isinstance(source, Traced) else Traced(source))

    return apply
