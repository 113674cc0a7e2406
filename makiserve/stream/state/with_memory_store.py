"""`state.with_memory_store`: run a pipeline with its state in memory."""

from __future__ import annotations

from makiserve.stream.engine.trace import Pipeline, Traced, Transform, trace
from makiserve.stream.reactive import rx


def with_memory_store(pipeline: Pipeline) -> Transform:
    """Run `pipeline` over state in memory.

    Operators of this package do not need a store. This is for pipelines written for RxSci, and has no effect when such
    a pipeline is packaged. Each subscription has its own state (in RxSci, two live subscriptions of one pipeline object
    share it). An error that leaves the pipeline ends an Observable, even if an error router follows.

    The pipeline is traced, as a packaged one is.

    *Emits* what the pipeline emits. *State* that of the pipeline.

    Raises:
        PipelineError: the pipeline cannot be traced.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_memory_store(rx.pipe(rs.math.sum(reduce=True)))).run()
    6
    """
    operators = trace(pipeline).operators

    def apply(source: rx.Observable) -> rx.Observable:
        if isinstance(source, Traced) and source.origin is None:
            return Traced(None, (*source.operators, *operators))
        # A separate origin: an error that leaves the store ends the stream, as in RxSci.
        return Traced(Traced(source, operators))

    return apply
