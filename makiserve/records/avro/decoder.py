"""A decoder for one pair of writer's schema and record type."""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import error as StructError  # noqa: N812
from traceback import walk_tb
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError
from makiserve.records.avro.generated import WIDTHS, Function, SourceReaders
from makiserve.records.avro.schema import AvroSchema, Node, kind_of
from makiserve.records.avro.values import MalformedData, UnheldValue, logical
from makiserve.records.field_errors import mismatch, missing, rename_remedy
from makiserve.records.record import Record, Schema
from makiserve.records.typed import TypedColumn

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A name that Avro and Protobuf allow."""

EXACT = {
    ("boolean", bool): "",
    ("int", int): "",
    ("long", int): "",
    ("int", float): "float",
    ("long", float): "float",
    ("string", str): "",
}
"""Stored and declared types whose values always fit, and the function that converts them."""


class AvroDecoder:
    """Decodes Avro data that were written with one schema to records of one type.

    Both are compiled to one function. A value is treated as the same value in a JSON message; see `TypedColumn`. A
    field is found by its name in the data, or by an alias that the writer's schema gives it. If that name is not
    possible in Avro, it is found by its attribute.

    Args:
        writer: the schema that the data were written with.
        schema: the record type.

    Attributes:
        titles: the names of the record's fields that the data contain.

    Raises:
        DecodeError: no data of this schema can be a record.
    """

    def __init__(self, writer: AvroSchema, schema: Schema) -> None:
        self._schema = schema
        self._source = SourceReaders(writer)
        self._fields: dict[str, FieldInfo] = {}
        self._places: dict[int, FieldInfo] = {}
        self.titles: set[str] = set()
        write = Function("def decode(data, pos):")
        write("depth = 0")
        root = writer.resolved(writer.root)
        if kind_of(root) == "union":
            self._source.branches(write, root, lambda branch: self._record(write, writer.resolved(branch)))
        else:
            self._record(write, root)
        self.fast: Callable[[bytes, int], Record] = self._compiled(write)

    def decode(self, data: bytes, start: int = 0) -> Record:
        """Return the record in data that begin at `start`.

        Raises:
            DecodeError: the data are damaged or do not fit. The error names the field.
        """
        try:
            return self.fast(data, start)
        except Exception as error:
            raise self.explain(error, data) from error

    def explain(self, error: Exception, data: bytes) -> DecodeError:
        """Return the error for data on which `fast` has raised."""
        if isinstance(error, DecodeError):
            return error
        declared = self._place(error)
        if isinstance(error, UnheldValue) and declared:
            return mismatch(declared.encode_name, declared.type, f"{error}, which Python cannot hold")
        if isinstance(error, (IndexError, StructError)):
            words = "the data end early"
        elif isinstance(error, KeyError):
            words = f"a union has no branch that is encoded as {error}"
        elif isinstance(error, UnicodeDecodeError):
            words = f"{error.object[:40]!r}, which is not UTF-8"
        else:
            words = str(error) if isinstance(error, MalformedData) else f"{type(error).__name__}: {error}"
        name = declared.encode_name if declared else None
        field = f"field {name!r}: " if name else ""
        return DecodeError(f"not data of the Avro schema: {field}{words} ({len(data):,} bytes)", field=name)

    def _place(self, error: Exception) -> FieldInfo | None:
        """Return the field at which the function raised."""
        for frame, line in walk_tb(error.__traceback__):
            if frame.f_code is self.fast.__code__:
                return self._places.get(line)
        return None

    def _record(self, write: Function, node: Node) -> None:
        """Write code that reads the top-level record and returns it."""
        if kind_of(node) != "record":
            write(f"raise {self._constant(DecodeError(f'expected an Avro record, got {kind_of(node)}'))}")
            return
        titles = [field["name"] for field in node["fields"]]
        declared_by_title = {_title(declared, node["fields"]): declared for declared in self._schema.fields}
        if unknown := [title for title in titles if title not in declared_by_title and self._schema.forbids_unknown]:
            write(f"raise {self._constant(DecodeError(f'Object contains unknown field `{unknown[0]}`'))}")
            return
        variables: dict[str, str] = {}
        for title in titles:
            if title in declared_by_title:
                variables[declared_by_title[title].name] = self._source.name("v")
                self.titles.add(declared_by_title[title].encode_name)
        self._read_fields(write, node, declared_by_title, variables)
        with write.block("if pos != len(data):"):
            write("extra = len(data) - pos")
            write("raise MalformedData(f'{extra:,} bytes left over' if extra > 0 else 'the data end early')")
        self._return(write, variables, titles)

    def _read_fields(
        self, write: Function, node: Node, declared_by_title: dict[str | None, FieldInfo], variables: dict[str, str]
    ) -> None:
        run: list[tuple[str, str | None]] = []
        checked: list[FieldInfo] = []

        def finish_run() -> None:
            if run:
                self._source.run(write, list(run))
                for declared in checked:
                    self._check(write, variables[declared.name], declared)
                run.clear()
                checked.clear()

        for field in node["fields"]:
            declared = declared_by_title.get(field["name"])
            into = variables[declared.name] if declared else None
            kind = kind_of(self._source.schema.resolved(field["type"]))
            if kind in WIDTHS:
                run.append((kind, into))
                checked += [declared] if declared else []
                continue
            finish_run()
            first = len(write.lines)
            if declared and into:
                self._declared(write, field["type"], into, declared)
                self._places |= dict.fromkeys(range(first, len(write.lines)), declared)
            else:
                self._source.read(write, field["type"], None)
        finish_run()

    def _declared(self, write: Function, node: Node, into: str, declared: FieldInfo) -> None:
        """Write code that reads a field of the record and converts its value if it may not be of the declared type."""
        node = self._source.schema.resolved(node)
        kind, column = kind_of(node), TypedColumn(declared.encode_name, declared.type)
        if kind == "union":
            self._source.branches(write, node, lambda branch: self._declared(write, branch, into, declared))
            return
        self._source.read(write, node, into)
        has_meaning = isinstance(node, dict) and logical(node) is not None
        if kind in WIDTHS:
            self._check(write, into, declared)
        elif (kind, column.base) in EXACT and not has_meaning:
            if function := EXACT[kind, column.base]:
                write(f"{into} = {function}({into})")
        elif not (kind == "null" and column.is_optional):
            write(f"{into} = {self._converter(declared)}({into})")

    def _check(self, write: Function, name: str, declared: FieldInfo) -> None:
        """Write code that converts a number. A finite one is a `float` already; only it minus itself is zero."""
        is_float = TypedColumn(declared.encode_name, declared.type).base is float
        write(f"{f'if {name} - {name}: ' if is_float else ''}{name} = {self._converter(declared)}({name})")

    def _converter(self, declared: FieldInfo) -> str:
        column = TypedColumn(declared.encode_name, declared.type)

        def convert(value: Any) -> Any:
            converted = column.value(value)
            if type(converted) is DecodeError:
                raise converted
            return converted

        return self._constant(convert, "convert")

    def _return(self, write: Function, variables: dict[str, str], titles: list[str]) -> None:
        for declared in self._schema.fields:
            if declared.name in variables:
                continue
            if declared.required:
                remedy = rename_remedy(declared, titles)
                write(f"raise {self._constant(missing(declared.encode_name, declared.type, remedy))}")
                return
            if declared.default_factory is not msgspec.NODEFAULT:
                variables[declared.name] = f"{self._constant(declared.default_factory)}()"
            else:
                variables[declared.name] = self._constant(declared.default)
        if self._schema.is_positional:
            arguments = ", ".join(variables[declared.name] for declared in self._schema.fields)
            write(f"return {self._constant(self._schema.record)}({arguments})")
        else:
            pairs = ", ".join(f"{name!r}: {variable}" for name, variable in variables.items())
            write(f"return {self._constant(self._made)}({{{pairs}}})")

    def _made(self, values: dict[str, Any]) -> Record:
        record = self._schema.from_values(values)
        if isinstance(record, DecodeError):
            raise record
        return record

    def _constant(self, value: Any, hint: str = "constant") -> str:
        return self._source.constant(value, hint)

    def _compiled(self, write: Function) -> Callable[[bytes, int], Record]:
        before = [line for function in self._source.functions for line in function.lines]
        self._places = {len(before) + 1 + line: declared for line, declared in self._places.items()}
        text = "\n".join([*before, *write.lines])
        exec(compile(text, f"<Avro decoder of {self._schema.record.__qualname__}>", "exec"), self._source.globals)  # noqa: S102
        decode: Callable[[bytes, int], Record] = self._source.globals["decode"]
        return decode


def _title(declared: FieldInfo, fields: list[dict[str, Any]]) -> str | None:
    """Return the writer's name of a declared field; None if the writer has no such field."""
    name = declared.encode_name if NAME.fullmatch(declared.encode_name) else declared.name
    for field in fields:
        if field["name"] == name:
            return name
    return next((str(field["name"]) for field in fields if name in field.get("aliases", ())), None)
