"""Which data a replay has read: what identifies it, for those who read its report later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from makiserve.replaying.sources import Block, Source
from makiserve.scoring import Scored


class Origin(NamedTuple):
    """A source that was read.

    Attributes:
        name: as positions name it.
        place: the absolute path of a file, or the offsets of a topic's partition.
        records: how many it gave.
        digest: SHA-256 of the file's bytes; of anything else, of name, offsets and number of records.
    """

    name: str
    place: str
    records: int
    digest: str


class Origins:
    """Counts the records of each source."""

    needs_records = False
    needs_features = False

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int, int]] = {}

    def take(self, block: Block, scored: Scored) -> None:
        if not block.offsets:
            return
        count, first, _ = self._seen.get(block.source, (0, block.offsets[0], 0))
        self._seen[block.source] = (count + len(block.offsets), first, block.offsets[-1])

    def found(self, sources: Iterable[Source]) -> list[Origin]:
        """What was read, now that it is; files are read once more for their digests."""
        paths = {source.name: getattr(source, "path", None) for source in sources}
        return [self._origin(name, path) for name, path in paths.items()]

    def _origin(self, name: str, path: Path | None) -> Origin:
        count, first, last = self._seen.get(name, (0, 0, 0))
        if path is not None and path.is_file():
            with path.open("rb") as file:
                return Origin(name, str(path.absolute()), count, _sha256(iter(lambda: file.read(1 << 20), b"")))
        place = f"{name}@{first}…{last}"
        return Origin(name, place, count, _sha256([f"{place} {count}".encode()]))


def digest_of(origins: Iterable[Origin]) -> str:
    """One digest for all of it."""
    return _sha256(f"{origin.name} {origin.digest}\n".encode() for origin in origins)


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
