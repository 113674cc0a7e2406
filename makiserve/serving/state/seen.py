"""The records before the committed offset that restored groups have seen already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from makiserve.scoring import Batch
from makiserve.stream.columns.engine_choice import Engine
from makiserve.stream.engine.key import same_key


class SeenRecords:
    """The records that some groups of a lane have seen already, because they were saved after the checkpoint began.

    Args:
        keys: computes the key of each record.
        offsets: for each of these groups, the offset of the first record that it has not seen.
    """

    def __init__(self, keys: Engine, offsets: Mapping[Any, int]) -> None:
        self._keys, self._offsets = keys, offsets

    def without(self, batch: Batch, offsets: Sequence[int]) -> Batch:
        """Return a batch without the records that their group has seen.

        Args:
            batch: records before the committed offset.
            offsets: their offsets.
        """
        items, indexes, _ = batch.decoded()
        nothing: Any = self._keys.new_state()
        fed = self._keys.feed(items, nothing)
        seen = set()
        for cause, key in zip(fed.causes, fed.outputs, strict=True):
            index = cause if indexes is None else indexes[cause]
            if offsets[index] < self._offset_of(key):
                seen.add(index)
        left = [index for index in range(len(batch.records)) if index not in seen]
        challenged = batch.challenged and [batch.challenged[index] for index in left]
        return Batch(batch.lane, [batch.records[index] for index in left], challenged)

    def _offset_of(self, key: Any) -> int:
        try:
            return self._offsets.get(same_key(key), -1)
        except TypeError:  # it cannot be hashed: the record fails, and no group sees it
            return -1
