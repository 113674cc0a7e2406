"""RxSci stops after the first member of a gzip file, or frame of a Zstandard file, and drops the rest in silence."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
import rx
import zstandard

from makiserve.stream.rxsci.compression import z, zstd


@pytest.mark.parametrize(("module", "compress"), [(z, gzip.compress), (zstd, zstandard.compress)], ids=["z", "zstd"])
def test_every_member_of_a_compressed_file_is_read(module: Any, compress: Callable[[bytes], bytes]) -> None:
    parts: list[bytes] = []
    rx.of(compress(b"one ") + compress(b"two ")[:5], compress(b"two ")[5:] + compress(b"three")).pipe(
        module.decompress()
    ).subscribe(parts.append)
    assert b"".join(parts) == b"one two three"
