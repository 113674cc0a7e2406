"""`ops.multiplex`: RxSci's entry point for pipelines of multiplexed streams."""

from __future__ import annotations

from makiserve.stream.engine.trace import Pipeline, Transform
from makiserve.stream.state.stores import with_memory_store


def multiplex(pipeline: Pipeline) -> Transform:
    """Run `pipeline`. In this package a pipeline takes any Observable, so that this adds nothing.

    ```
    --1--2--3--|
      multiplex(sum())
    --1--3--6--|
    ```

    It is another name of `state.with_memory_store` (in RxSci, operators with state fail without a store).

    *Emits* what the pipeline emits. *State* that of the pipeline.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.multiplex([rs.math.sum(reduce=True)])).run()
    6
    """
    return with_memory_store(pipeline)
