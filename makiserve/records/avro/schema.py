"""Avro schemas, parsed and bounded. Only this package knows fastavro."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import fastavro
import msgspec
from fastavro.schema import SchemaParseException, UnknownType

from makiserve.errors import DecodeError

MAX_SCHEMA_BYTES = 1 << 20
"""Maximum size of a schema, including the schemas that it refers to."""

MAX_DEPTH = 100
"""Maximum nesting depth of a schema, and of the values of a recursive schema."""

TITLE = "makiserve.title"
"""The property of a field whose name in other formats cannot be a name in Avro: that name."""

Node = Any
"""A parsed type: the name of a primitive or named type, a list for a union, or a dict."""


class AvroSchema(NamedTuple):
    """A parsed schema.

    Attributes:
        root: the type of the data.
        named: records, enums and fixed types by their full name.
    """

    root: Node
    named: dict[str, Node]

    def resolved(self, node: Node) -> Node:
        """Return the definition of a named type; any other type as it is."""
        while isinstance(node, dict) and isinstance(node["type"], (dict, list)):
            node = node["type"]
        return self.named.get(node, node) if isinstance(node, str) else node


def parse(text: str, references: Iterable[str] = ()) -> AvroSchema:
    """Parse a schema.

    Args:
        text: the schema as JSON.
        references: the schemas that it refers to, each after those that it refers to itself.

    Raises:
        DecodeError: a schema is too large, too deep, or not a valid Avro schema.
    """
    texts = [*references, text]
    if (size := sum(map(len, texts))) > MAX_SCHEMA_BYTES:
        raise DecodeError(f"the Avro schema has {size:,} characters, more than {MAX_SCHEMA_BYTES:,}")
    named: dict[str, Node] = {}
    root: Node = None
    try:
        for schema_text in texts:
            node = _read(schema_text)
            if _depth(node) > MAX_DEPTH:
                raise DecodeError(f"the Avro schema is nested deeper than {MAX_DEPTH}")
            root = fastavro.parse_schema(node, named_schemas=named)
    except (SchemaParseException, UnknownType, ValueError, TypeError, LookupError, AttributeError) as error:
        if isinstance(error, DecodeError):
            raise
        raise DecodeError(f"not an Avro schema that can be read: {type(error).__name__}: {error}"[:300]) from error
    return AvroSchema(root, named)


def kind_of(node: Node) -> str:
    """Return the word for a type: `union`, `record`, `double`."""
    if isinstance(node, list):
        return "union"
    return str(node["type"] if isinstance(node, dict) else node)


def title_of(field: dict[str, Any]) -> str:
    """Return the name of a field in other formats."""
    title = field.get(TITLE)
    return title if isinstance(title, str) else str(field["name"])


def _read(text: str) -> Any:
    """Return the JSON of a schema. The name of a primitive type may have no quotes."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        if text.strip().isidentifier():
            return text.strip()
        raise
    except RecursionError:
        raise DecodeError(f"the Avro schema is nested deeper than {MAX_DEPTH}") from None


def _depth(value: Any) -> int:
    """Return how many JSON objects and arrays are inside each other."""
    deepest, rest = 0, [(value, 1)]
    while rest:
        node, depth = rest.pop()
        deepest = max(deepest, depth)
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        rest += [(child, depth + 1) for child in inner]
    return deepest
