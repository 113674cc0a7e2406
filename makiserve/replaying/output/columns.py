"""Outputs side by side: a column for each field."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from makiserve.errors import SourceError
from makiserve.schema.fields import field_names

Columns = dict[str, list[Any]]


def columns_of(objects: Sequence[Any]) -> Columns:
    """The fields of outputs, each a list; a part of an output, such as `features`, has a column for each of its fields.

    Raises:
        SourceError: the outputs have different fields.
    """
    if not objects:
        return {}
    kinds = set(map(type, objects))
    titles = _titles(objects[0])
    if (len(kinds) > 1 or dict in kinds) and any(list(_titles(each)) != list(titles) for each in objects):
        raise different_fields(*dict.fromkeys(tuple(_titles(each)) for each in objects))
    columns: Columns = {}
    for title, name in titles.items():
        values = list(map(itemgetter(name) if dict in kinds else attrgetter(name), objects))
        if isinstance(values[0], msgspec.Struct):
            columns |= {f"{title}.{inner}": cells for inner, cells in columns_of(values).items()}
        else:
            columns[title] = values
    return columns


def _titles(item: Any) -> dict[str, str]:
    """The names of an output's fields, as they are written and as they are read."""
    if isinstance(item, dict):
        return {str(name): name for name in item}
    names = field_names(type(item)) or ()
    titles = item.__struct_encode_fields__ if isinstance(item, msgspec.Struct) else names
    return dict(zip(titles, names, strict=True))


def different_fields(first: Sequence[str], then: Sequence[str], *others: Sequence[str]) -> SourceError:
    """The error for outputs that make no table."""
    return SourceError(
        f"the outputs have different fields, first {', '.join(first)}, then {', '.join(then)}: a table has the same "
        "columns in each row; write JSON lines (.jsonl)"
    )
