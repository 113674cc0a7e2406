"""Optional fields that never occur in the data. Most often the name is misspelt, and the field keeps its default."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Sequence

from makiserve.records.record import Record, Schema

logger = logging.getLogger(__name__)


class UnseenFields:
    """The optional fields of a record type that have not occurred in a header or message so far.

    A field counts as seen if a message contains its name in quotes anywhere. That is fast. The only possible error is a
    missing warning.

    Args:
        schema: of the records.
    """

    def __init__(self, schema: Schema) -> None:
        self._spellings = {
            field.encode_name: tuple(
                {json.dumps(field.encode_name, ensure_ascii=is_ascii).encode() for is_ascii in (True, False)}
            )
            for field in schema.fields
            if not field.required
        }

    @property
    def names(self) -> frozenset[str]:
        """Their names in the data."""
        return frozenset(self._spellings)

    def see_titles(self, titles: Iterable[str]) -> None:
        """Mark the fields that a header names as seen."""
        for title in titles:
            self._spellings.pop(title, None)

    def see_messages(self, messages: Sequence[bytes | None]) -> None:
        """Mark the fields that any of these JSON objects names as seen."""
        self.see_titles([name for name, spellings in self._spellings.items() if _is_in(messages, spellings)])


def warn_of_unseen(names: Collection[str], record: type[Record]) -> None:
    """Log a warning about optional fields that did not occur in any record."""
    if names:
        logger.warning(
            "no header or record has the optional field %s of %s, so it keeps its default: compare its name with "
            'the data. field(name="…") declares the name that the data use',
            ", ".join(sorted(map(repr, names))),
            record.__qualname__,
        )


def _is_in(messages: Sequence[bytes | None], spellings: Sequence[bytes]) -> bool:
    return any(spelling in message for message in messages if message for spelling in spellings)
