"""`ops.multiplex`: RxSci's entry point for pipelines of its own kind of stream."""

from __future__ import annotations

from makiserve.stream.engine.trace import Pipeline, Transform
from makiserve.stream.state.with_memory_store import with_memory_store


def multiplex(pipeline: Pipeline) -> Transform:
    """Runs `pipeline`, which here takes any Observable: this adds nothing.

    ```
    --1--2--3--|
      multiplex(sum())
    --1--3--6--|
    ```

    It is `state.with_memory_store` by its other name (in RxSci, operators with a state fail without a store).

    *Emits* what the pipeline emits. *State* none of its own.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.multiplex([rs.math.sum(reduce=True)])).run()
    6
    """
    return with_memory_store(pipeline)
