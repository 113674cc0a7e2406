"""The language of feature pipelines: ReactiveX operators with RxSci's names, over explicit state.

Use it as `import makiserve.stream as rs`. Each operator works on any Observable, inside `rx.pipe` and inside
`reactivex.compose`.
"""

from makiserve.stream import data, error, math, ops, rxsci, state
from makiserve.stream.run import run
from makiserve.stream.rxsci import compression, container, framing, io

__all__ = ["compression", "container", "data", "error", "framing", "io", "math", "ops", "run", "rxsci", "state"]
