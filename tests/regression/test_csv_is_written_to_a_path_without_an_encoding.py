"""RxSci's csv.dump_to_file opens a path for bytes and writes text to it, unless an encoding is given."""

from __future__ import annotations

from pathlib import Path

import rx

import makiserve.stream as rs
from makiserve.stream.rxsci.container import csv


def test_csv_is_written_to_a_path_without_an_encoding(tmp_path: Path) -> None:
    rs.run(rx.of((1, "ü")).pipe(csv.dump_to_file(str(tmp_path / "file.csv"), header=False)))
    assert (tmp_path / "file.csv").read_bytes() == '1,"ü"\n'.encode()
