"""Record types written from the schemas of a registry: Avro, JSON Schema and Protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from makiserve.errors import DecodeError, SourceError
from makiserve.records.avro import AvroSchema, parse
from makiserve.records.avro.schema import Node, kind_of
from makiserve.records.inference import InferredField, InferredRecord
from makiserve.records.names import class_name
from makiserve.records.registry.client import RegisteredSchema


def record_of_schema(name: str, doc: str, registered: RegisteredSchema) -> InferredRecord:
    """Return the record type of a schema of the registry.

    Args:
        name: of the class.
        doc: its docstring.
        registered: the schema. Of Protobuf, the first message type counts.

    Raises:
        DecodeError: the schema cannot be read.
        SourceError: it is not the schema of records.
    """
    if registered.kind == "AVRO":
        return record_of_avro(
            name, doc, parse(registered.text, [reference.text for reference in registered.references])
        )
    if registered.kind == "JSON":
        try:
            json_schema = msgspec.json.decode(registered.text)
        except msgspec.DecodeError as error:
            raise DecodeError(f"not a JSON Schema: {error}") from error
        return InferredRecord(name, doc, fields_of_json_schema(json_schema if isinstance(json_schema, dict) else {}))
    if registered.kind == "PROTOBUF":
        from makiserve.records.protobuf import compiled  # slow to import, and only needed for Protobuf

        return record_of_protobuf(name, doc, compiled(registered.text, registered.references).message((0,)))
    raise SourceError(f"a schema of the kind {registered.kind} is not known")


def record_of_avro(name: str, doc: str, schema: AvroSchema) -> InferredRecord:
    """Return the record type of an Avro schema.

    Raises:
        SourceError: the schema is not a record.
    """
    root, nested = schema.resolved(schema.root), {}
    if kind_of(root) != "record":
        raise SourceError(f"the schema is of the type {kind_of(root)}, not a record")

    def fields(node: Node) -> list[InferredField]:
        return [
            _avro_field(field["name"], field["type"])._replace(aliases=tuple(field.get("aliases") or ()))
            for field in node["fields"]
        ]

    def _avro_field(title: str, node: Node) -> InferredField:
        node = schema.resolved(node)
        branches = node if isinstance(node, list) else [node]
        words = list(
            dict.fromkeys(annotation(branch) for branch in branches if kind_of(schema.resolved(branch)) != "null")
        )
        return InferredField(title, " | ".join(words) or "Any", len(words) < len(branches) or not words)

    def annotation(node: Node) -> str:
        node = schema.resolved(node)
        kind = kind_of(node)
        if kind in ("array", "map"):
            item = _avro_field("", node["items" if kind == "array" else "values"])
            inner = f"{item.annotation} | None" if item.is_optional else item.annotation
            return f"list[{inner}]" if kind == "array" else f"dict[str, {inner}]"
        if kind == "union":
            return _avro_field("", node).annotation
        if kind == "record":
            title = class_name(node["name"])
            if title not in nested:
                nested[title] = InferredRecord(
                    title, f"A {title} within a {name}.", []
                )  # a recursive type finds itself
                nested_fields = fields(node)
                nested[title] = nested.pop(title)._replace(fields=nested_fields)
            return title
        if kind == "enum":
            return _literal(node["symbols"])
        logical = node.get("logicalType") if isinstance(node, dict) else None
        return _AVRO_LOGICAL.get(str(logical)) or _AVRO.get(kind, "Any")

    root_fields = fields(root)
    return InferredRecord(name, doc, root_fields, list(nested.values()))


_AVRO = {
    "boolean": "bool", "int": "int", "long": "int", "float": "float", "double": "float", "string": "str",
    "bytes": "bytes", "fixed": "bytes",
}  # fmt: skip
_AVRO_LOGICAL = {
    "decimal": "Decimal", "date": "date", "time-millis": "time", "time-micros": "time", "duration": "timedelta",
    "uuid": "UUID",
    **{
        f"{zone}timestamp-{unit}": "datetime" for zone in ("", "local-") for unit in ("millis", "micros", "nanos")
    },
}  # fmt: skip


def record_of_protobuf(name: str, doc: str, message: Any) -> InferredRecord:
    """Return the record type of a Protobuf message type.

    A field is optional if a message may lack it: it is declared `optional`, is in a `oneof`, or is a message itself.
    The last does not apply to a Timestamp or a Duration, because producers usually set them.

    Args:
        name: of the class.
        doc: its docstring.
        message: the descriptor of the message type.
    """
    nested: dict[str, InferredRecord] = {}

    def fields(descriptor: Any) -> list[InferredField]:
        return [field_of(field) for field in descriptor.fields]

    def field_of(field: Any) -> InferredField:
        is_time = field.message_type is not None and field.message_type.full_name in _TIMES
        has_presence = field.has_presence and not field.is_required and not is_time
        is_optional = has_presence or field.containing_oneof is not None
        aliases = (field.json_name,) if field.json_name != field.name else ()
        return InferredField(field.name, annotation(field), is_optional, aliases)

    def annotation(field: Any) -> str:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            return f"dict[str, {word(kind.fields_by_name['value'])}]"
        return f"list[{word(field)}]" if field.is_repeated else word(field)

    def word(field: Any) -> str:
        if field.enum_type is not None:
            return _literal([value.name for value in field.enum_type.values])
        if field.message_type is None:
            return "bytes" if field.type == field.TYPE_BYTES else _PROTOBUF[field.cpp_type]
        title = field.message_type.full_name
        return _WRAPPERS.get(title) or _TIMES.get(title) or nested_record(field.message_type)

    def nested_record(descriptor: Any) -> str:
        title = class_name(descriptor.name)
        if title not in nested:
            nested[title] = InferredRecord(title, f"A {title} within a {name}.", [])  # a recursive type finds itself
            nested_fields = fields(descriptor)
            nested[title] = nested.pop(title)._replace(fields=nested_fields)
        return title

    message_fields = fields(message)
    return InferredRecord(name, doc, message_fields, list(nested.values()))


_PROTOBUF = {1: "int", 2: "int", 3: "int", 4: "int", 5: "float", 6: "float", 7: "bool", 9: "str"}
"""The types of Protobuf's scalars by the number of their C++ type."""

_TIMES = {"google.protobuf.Timestamp": "datetime", "google.protobuf.Duration": "timedelta"}
_WRAPPERS = {
    f"google.protobuf.{kind}Value": word
    for word, kinds in {
        "float": ("Double", "Float"), "int": ("Int64", "UInt64", "Int32", "UInt32"), "bool": ("Bool",),
        "str": ("String",), "bytes": ("Bytes",),
    }.items()
    for kind in kinds
}  # fmt: skip


def _literal(symbols: Sequence[str]) -> str:
    return f"Literal[{', '.join(repr(symbol) for symbol in symbols)}]".replace("'", '"')


def fields_of_json_schema(schema: Mapping[str, Any]) -> list[InferredField]:
    """Return the fields of a JSON Schema of an object.

    Raises:
        SourceError: the schema has no properties.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        raise SourceError("the JSON Schema has no properties, so it does not name the fields of a record")
    required = schema.get("required") or ()
    return [
        InferredField(title, *_json_type(subschema if isinstance(subschema, dict) else {}, title in required))
        for title, subschema in properties.items()
    ]


def _json_type(schema: dict[str, Any], is_required: bool) -> tuple[str, bool]:
    """Return the annotation of a JSON Schema, and whether it is optional."""
    types = schema.get("type")
    types = list(types) if isinstance(types, list) else [types] if types else []
    for subschema in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        types += subschema.get("type") if isinstance(subschema.get("type"), list) else [subschema.get("type")]
        schema = subschema | schema
    words = list(dict.fromkeys(_json_word(str(json_type), schema) for json_type in types if json_type != "null"))
    return " | ".join(words) or "Any", not is_required or "null" in types


def _json_word(kind: str, schema: dict[str, Any]) -> str:
    if kind == "string":
        formats = {"date-time": "datetime", "date": "date", "time": "time", "duration": "timedelta", "uuid": "UUID"}
        return formats.get(str(schema.get("format")), "str")
    if kind == "array":
        items = schema.get("items")
        return f"list[{_json_type(items, True)[0] if isinstance(items, dict) else 'Any'}]"
    return {"number": "float", "integer": "int", "boolean": "bool", "object": "dict[str, Any]"}.get(kind, "Any")
