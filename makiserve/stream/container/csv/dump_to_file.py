"""`container.csv.dump_to_file`: a stream of rows into a CSV file."""

from __future__ import annotations

from makiserve.stream.container.csv.dump import dump
from makiserve.stream.engine.trace import Transform
from makiserve.stream.io.encoded import encoded
from makiserve.stream.io.opened import File, Open
from makiserve.stream.io.sink import CANNOT_BE_TAKEN_BACK
from makiserve.stream.io.write import write
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import compose


def dump_to_file(
    filename: File,
    header: bool = True,
    separator: str = ",",
    escapechar: str | None = "\\",
    doublequote: bool = False,
    newline: str = "\n",
    encoding: str | None = None,
    open_obj: Open = open,
) -> Transform:
    r"""Write each row to a CSV file.

    ```
    --x(1,2)--x(3,4)--|
      dump_to_file("file.csv")
    ------------------|
    ```

    Args:
        filename: a path, or an open file, which is left open.
        header: as for `dump`.
        separator: as for `dump`.
        escapechar: as for `dump`.
        doublequote: as for `dump`.
        newline: as for `dump`.
        encoding: write bytes in this encoding. None writes text, to a path in UTF-8 (RxSci fails there).
        open_obj: the function that opens the path: `gzip.open`, for instance.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what `dump`, opening and writing raise.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.StringIO()
    >>> rows = rx.from_([(1, None), (2, "dry")])
    >>> rows.pipe(rs.container.csv.dump_to_file(file, header=False)).subscribe().dispose()
    >>> file.getvalue()
    '1,\n2,"dry"\n'
    """
    lines = dump(header, separator, escapechar, doublequote, newline)
    if encoding is None:
        steps = compose(lines, write(filename, "w", open_obj=open_obj))
    else:
        steps = compose(lines, encoded(encoding), write(filename, "wb", open_obj=open_obj))
    return subscribed_only("csv.dump_to_file", CANNOT_BE_TAKEN_BACK, steps)
