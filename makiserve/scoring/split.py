"""Which records the challenger scores: a share of the keys, the same ones whenever and wherever they are scored."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

DIGEST_BYTES = 8


def is_challenged(key: bytes, share: float) -> bool:
    """Whether a key is among the challenger's.

    The hash is not Kafka's: each partition has the same share. A larger share has all keys of a smaller one.
    """
    place = int.from_bytes(blake2b(key, digest_size=DIGEST_BYTES).digest(), "big")
    return place < int(share * 2 ** (8 * DIGEST_BYTES))


def challenged(share: float, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]) -> list[bool]:
    """Which of some records are the challenger's.

    Args:
        share: of the keys, from 0 to 1.
        keys: of the records. One that has none stands for itself: its position is its key.
        place: where the records are, `topic[partition]` or the name of a file.
        offsets: of the records there.
    """
    keys = keys or [None] * len(offsets)
    pairs = zip(keys, offsets, strict=True)
    return [is_challenged(f"{place}@{offset}".encode() if key is None else key, share) for key, offset in pairs]
