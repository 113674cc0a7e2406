"""Typed outputs as Avro data: the schema of a type, and the data of its values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

import fastavro
import msgspec
from msgspec import inspect

from makiserve.errors import ConfigurationError
from makiserve.records.avro.decoder import NAME
from makiserve.records.avro.schema import TITLE, Node, kind_of, title_of

KEPT = (bytes, date, datetime, time)
"""The types that Avro has and JSON has not. All other values are written as in JSON."""


class AvroEncoder:
    """Encodes values of one type.

    Args:
        kind: the type, a Struct; its name and docstring, and the descriptions of its fields, are in the schema.
        hook: converts values that msgspec does not know, such as those of numpy.

    Attributes:
        text: the schema.

    Raises:
        ConfigurationError: Avro has no type for a field.
    """

    def __init__(self, kind: type[msgspec.Struct], hook: Callable[[Any], Any]) -> None:
        schema = _Schemas().node(inspect.type_info(kind), kind.__name__)
        self.text = msgspec.json.encode(schema).decode()
        self._kind, self._hook = kind, hook
        self._has_titles = f'"{TITLE}":' in self.text
        self._schema = fastavro.parse_schema(schema)

    def encode(self, value: Any) -> bytes:
        """Return the data of a value.

        Raises:
            ValueError: the value is not of the type.
            TypeError: a part of it is of a type that msgspec and `hook` do not know.
            OverflowError: an integer has more than 64 bits.
        """
        untyped = msgspec.to_builtins(value, builtin_types=KEPT, str_keys=True, enc_hook=self._hook)
        # fastavro would write 1.5 as the integer 1, and the text "1.5" as a number, so the types are checked before.
        typed = msgspec.convert(untyped, self._kind, builtin_types=KEPT, str_keys=True)
        datum = msgspec.to_builtins(typed, builtin_types=KEPT, str_keys=True)
        data = BytesIO()
        fastavro.schemaless_writer(data, self._schema, _named(datum, self._schema) if self._has_titles else datum)
        return data.getvalue()


class _Schemas:
    """Makes the schema of a type. A named type is defined where it is first used."""

    def __init__(self) -> None:
        self._defined: set[str] = set()

    def node(self, info: inspect.Type, name: str) -> Node:
        """Return the schema of a type.

        Args:
            info: the type.
            name: the path to it, for messages.
        """
        if isinstance(info, inspect.Metadata):
            return self.node(info.type, name)
        if isinstance(info, inspect.StructType):
            return self._record(info)
        if isinstance(info, inspect.UnionType):
            return self._union(info, name)
        if isinstance(info, (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)):
            return {"type": "array", "items": self.node(info.item_type, f"{name}[]")}
        if isinstance(info, inspect.DictType) and isinstance(info.key_type, inspect.StrType):
            return {"type": "map", "values": self.node(info.value_type, f"{name}[]")}
        if isinstance(info, inspect.DateTimeType):
            logical = "local-timestamp-micros" if info.tz is False else "timestamp-micros"
            return {"type": "long", "logicalType": logical}
        if isinstance(info, (inspect.LiteralType, inspect.EnumType)):
            values = info.values if isinstance(info, inspect.LiteralType) else [member.value for member in info.cls]
            return self._of_values(values, name)
        if (scalar := _SCALARS.get(type(info))) is None:
            raise ConfigurationError(
                f"--output-format avro: {name} is of a type that Avro does not have ({type(info).__name__}): declare "
                "a type for it in what the pipeline emits, or leave it out with --emit"
            )
        return scalar

    def _record(self, info: inspect.StructType) -> Node:
        title = info.cls.__name__
        if title in self._defined:
            return title
        self._defined.add(title)
        fields = [self._field(field, f"{title}.{field.encode_name}") for field in info.fields]
        doc = {"doc": info.cls.__doc__} if info.cls.__doc__ else {}
        return {"type": "record", "name": title, **doc, "fields": fields}

    def _field(self, field: inspect.Field, path: str) -> Node:
        name = field.encode_name if NAME.fullmatch(field.encode_name) else field.name  # as `AvroDecoder` finds it
        extra = (field.type.extra_json_schema or {}) if isinstance(field.type, inspect.Metadata) else {}
        node = self.node(field.type, path)
        return {
            "name": name,
            "type": node,
            **({TITLE: field.encode_name} if name != field.encode_name else {}),
            **({"doc": extra["description"]} if "description" in extra else {}),
            **({"default": None} if isinstance(node, list) and node[0] == "null" else {}),
        }

    def _union(self, info: inspect.UnionType, name: str) -> Node:
        nodes: list[Node] = []
        for member in info.types:
            node = self.node(member, name)
            if node not in nodes:
                nodes.append(node)
        if "double" in nodes and "long" in nodes:  # any number
            nodes.remove("long")
        kinds = [kind_of(node) for node in nodes if kind_of(node) != "record"]
        if len(set(kinds)) < len(kinds):
            raise ConfigurationError(f"--output-format avro: {name} may have two types that Avro does not distinguish")
        ordered = sorted(nodes, key=lambda node: node != "null")
        return ordered if len(ordered) > 1 else ordered[0]

    def _of_values(self, values: Any, name: str) -> Node:
        kinds = {type(value) for value in values} - {type(None)}
        if kinds not in ({str}, {int}):
            raise ConfigurationError(f"--output-format avro: {name} may have values of several types: {values}")
        node = "string" if kinds == {str} else "long"
        return ["null", node] if None in values else node


def _named(value: Any, node: Node) -> Any:
    """Return a value with the names that its fields have in the schema."""
    if isinstance(value, dict) and isinstance(node, list):
        node = next(branch for branch in node if kind_of(branch) in ("record", "map"))
    if isinstance(value, list) and isinstance(node, list):
        node = next(branch for branch in node if kind_of(branch) == "array")
    if isinstance(node, dict) and node["type"] == "record":
        return {field["name"]: _named(value[title_of(field)], field["type"]) for field in node["fields"]}
    if isinstance(node, dict) and node["type"] == "map":
        return {key: _named(item, node["values"]) for key, item in value.items()}
    if isinstance(node, dict) and node["type"] == "array":
        return [_named(item, node["items"]) for item in value]
    return value


_SCALARS: dict[type[inspect.Type], Node] = {
    inspect.NoneType: "null",
    inspect.BoolType: "boolean",
    inspect.IntType: "long",
    inspect.FloatType: "double",
    inspect.StrType: "string",
    inspect.BytesType: "bytes",
    inspect.ByteArrayType: "bytes",
    inspect.DateType: {"type": "int", "logicalType": "date"},
    inspect.TimeType: {"type": "long", "logicalType": "time-micros"},
    inspect.UUIDType: "string",
    inspect.DecimalType: "string",  # its precision and scale are not declared
    inspect.TimeDeltaType: "string",  # ISO 8601; Avro's duration has months
}
