"""`state.with_memory_store`: run a pipeline with its state in memory."""

from __future__ import annotations

import rx

from makiserve.stream.engine.trace import Pipeline, Traced, Transform, trace


def with_memory_store(pipeline: Pipeline) -> Transform:
    """Runs `pipeline` over state in memory.

    Every operator of this package works on any Observable as it is, so that this adds nothing: it stands in pipelines
    written for RxSci, and is transparent when such a pipeline is packaged. Each subscription has a state of its own
    (in RxSci, two live subscriptions of one pipeline object share it).

    The pipeline is traced, as a packaged one is: it consists of operators of this package only.

    *Emits* what the pipeline emits. *State* none of its own.

    Raises:
        PipelineError: the pipeline cannot be traced.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_memory_store(rx.pipe(rs.math.sum(reduce=True)))).run()
    6
    """
    operators = trace(pipeline).operators

    def apply(source: rx.Observable) -> rx.Observable:
        if isinstance(source, Traced):
            return Traced(source.origin, (*source.operators, *operators))
        return Traced(source, operators)

    return apply
