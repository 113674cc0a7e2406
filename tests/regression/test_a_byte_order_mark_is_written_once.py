"""RxSci encodes each CSV line by itself: in UTF-16 every line begins with a byte order mark."""

from __future__ import annotations

from pathlib import Path

import rx

import makiserve.stream as rs
from makiserve.stream.rxsci.container import csv


def test_a_byte_order_mark_is_written_once(tmp_path: Path) -> None:
    rs.run(rx.of((1, 2), (3, 4)).pipe(csv.dump_to_file(tmp_path / "file.csv", header=False, encoding="utf-16")))
    assert (tmp_path / "file.csv").read_bytes() == "1,2\n3,4\n".encode("utf-16")
