"""What a block became, as bytes for another process: records as msgpack, a tenth of what pickling them takes."""

from __future__ import annotations

import pickle
from typing import Any

import msgspec

from makiserve.errors import ConfigurationError, DecodeError, MakiserveError
from makiserve.replaying.sources import Block
from makiserve.schema import Schema
from makiserve.scoring import Scored

UNPICKLABLE = (pickle.PicklingError, AttributeError, TypeError)
"""What pickle raises on what is not at the top of a module."""


class Sending:
    """Both ends of the way.

    Args:
        schema: of the records.
        records: whether they are sent; `features` likewise.
    """

    def __init__(self, schema: Schema, *, records: bool, features: bool) -> None:
        self._records = records
        self._features = features
        self._decoder = msgspec.msgpack.Decoder(list[schema.record | None])  # type: ignore[name-defined]  # at run time

    def pack(self, block: Block, scored: Scored) -> bytes:
        """A block and what became of it.

        Raises:
            ConfigurationError: it holds something that only this process knows.
        """
        records, errors = b"", {}
        if self._records:
            errors = {index: each for index, each in enumerate(block.records) if isinstance(each, DecodeError)}
            sound = [None if index in errors else each for index, each in enumerate(block.records)] if errors else None
            records = msgspec.msgpack.encode(sound or block.records)
        shown = scored if self._features else scored._replace(features=[])
        try:
            return pickle.dumps((block._replace(records=()), shown, records, errors))
        except UNPICKLABLE as error:
            raise ConfigurationError(
                f"what the pipeline emits cannot go from one process to another: {error}. Define its class at the top "
                "of a module, or replay in one process: makiserve.replay(…, processes=1)"
            ) from None

    def unpack(self, data: bytes) -> tuple[Block, Scored]:
        """The same, at the other end.

        Raises:
            MakiserveError: it is what stands in the place of a block when nothing can follow it.
        """
        found: Any = pickle.loads(data)  # noqa: S301  our own child's
        if isinstance(found, MakiserveError):
            raise found
        block, scored, records, errors = found
        if not records:
            return block, scored
        decoded: list[Any] = self._decoder.decode(records)
        for index, error in errors.items():
            decoded[index] = error
        return block._replace(records=decoded), scored
