"""Generated code that reads Avro data: each type of a schema becomes a few lines of Python, or a function.

Nested records, arrays and maps become functions, one for each type, so that a recursive type ends at a depth that is
checked. What a record does not declare is skipped and never becomes a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from struct import Struct
from typing import Any

from makiserve.errors import DecodeError
from makiserve.records.avro.schema import MAX_DEPTH, AvroSchema, Node, kind_of, title_of
from makiserve.records.avro.values import MalformedData, bad_branch, bad_count, logical, varint

MAX_BRANCHES = 64
"""Maximum number of branches in a union, so that an index takes one byte."""

MAX_EMPTY_ITEMS = 65_536
"""Maximum number of items in an array whose items take no bytes."""

WIDTHS = {"float": 4, "double": 8}
CODES = {"float": "f", "double": "d"}


class Function:
    """A function that is being written."""

    def __init__(self, header: str) -> None:
        self.lines = [header]
        self._depth = 1

    def __call__(self, text: str) -> None:
        """Write a line."""
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Write a header, and indent what is written inside below it."""
        self(header)
        self._depth += 1
        yield
        self._depth -= 1


class SourceReaders:
    """The functions that read the types of a schema.

    Attributes:
        globals: the names that the functions use.
        functions: the finished functions.
    """

    def __init__(self, schema: AvroSchema) -> None:
        self.schema = schema
        self.globals: dict[str, Any] = {
            "MalformedData": MalformedData,
            "bad_branch": bad_branch,
            "bad_count": bad_count,
            "varint": varint,
        }
        self.functions: list[Function] = []
        self._readers: dict[tuple[Any, bool], str] = {}
        self._names = count(1)

    def name(self, hint: str) -> str:
        """Return a new name."""
        return f"{hint}{next(self._names)}"

    def constant(self, value: Any, hint: str) -> str:
        """Return the name of a value."""
        name = self.name(hint)
        self.globals[name] = value
        return name

    def read(self, write: Function, node: Node, into: str | None) -> None:
        """Write code that reads a value into a variable, or skips it.

        Args:
            write: the function that the code is part of.
            node: the type.
            into: the variable; None to skip the value.
        """
        node = self.schema.resolved(node)
        kind = kind_of(node)
        if kind == "union":
            if into is None and (widths := self._widths(node)):
                write(f"pos += {self.constant(widths, 'widths')}[data[pos]]")
                return
            self.branches(write, node, lambda branch: self.read(write, branch, into))
        elif kind in ("array", "map", "record", "error"):
            self._call(write, node, into)
        elif kind in ("int", "long", "enum"):
            self._integer(write, node, into)
        elif kind in WIDTHS:
            self.run(write, [(kind, into)])
        else:
            self._bytes(write, node, kind, into)
        function = logical(node) if isinstance(node, dict) else None
        if into and function:
            write(f"{into} = {self.constant(function, 'logical')}({into})")

    def branches(self, write: Function, node: list[Node], read: Any) -> None:
        """Write code for each branch of a union with `read`, and choose the branch by the index in the data."""
        if not 0 < len(node) <= MAX_BRANCHES:
            raise DecodeError(f"the Avro schema has a union of {len(node)} branches, more than {MAX_BRANCHES}")
        write("branch = data[pos]")
        write("pos += 1")
        frequent_first = sorted(enumerate(node), key=lambda entry: entry[1] == "null")
        for place, (index, branch) in enumerate(frequent_first):
            with write.block(f"{'el' if place else ''}if branch == {2 * index}:"):
                write("pass")
                read(branch)
        write(f"else: raise bad_branch(branch, {len(node)})")

    def _widths(self, node: list[Node]) -> dict[int, int] | None:
        """Return the bytes that each branch of a union takes, by its encoded index; None if a width varies."""
        kinds = [kind_of(self.schema.resolved(branch)) for branch in node]
        if any(kind not in ("null", *WIDTHS) for kind in kinds) or len(kinds) > MAX_BRANCHES:
            return None
        return {2 * index: 1 + WIDTHS.get(kind, 0) for index, kind in enumerate(kinds)}

    def run(self, write: Function, numbers: list[tuple[str, str | None]]) -> None:
        """Write code that reads successive numbers of fixed width at once.

        Args:
            write: the function that the code is part of.
            numbers: of each the type, and the variable or None.
        """
        names = [into for _, into in numbers if into]
        if names:
            codes = "".join(CODES[kind] if into else f"{WIDTHS[kind]}x" for kind, into in numbers)
            write(f"{', '.join(names)}, = {self.constant(Struct('<' + codes).unpack_from, 'numbers')}(data, pos)")
        write(f"pos += {sum(WIDTHS[kind] for kind, _ in numbers)}")

    def integer(self, write: Function, name: str = "n") -> None:
        """Write code that reads an integer."""
        write(f"{name} = data[pos]")
        write("pos += 1")
        write(f"if {name} < 128: {name} = ({name} >> 1) ^ -({name} & 1)")
        write(f"else: {name}, pos = varint(data, pos, {name})")

    def _integer(self, write: Function, node: Node, into: str | None) -> None:
        if into is None:
            write("while data[pos] > 127: pos += 1")
            write("pos += 1")
        elif kind_of(node) == "enum":
            symbols = node["symbols"]
            self.integer(write)
            with write.block(f"if not 0 <= n < {len(symbols)}:"):
                write(f"raise MalformedData(f'symbol {{n}} of an enum of {len(symbols)}')")
            write(f"{into} = {self.constant(symbols, 'symbols')}[n]")
        else:
            self.integer(write, into)

    def _bytes(self, write: Function, node: Node, kind: str, into: str | None) -> None:
        if kind == "null":
            write(f"{into or '_'} = None")
        elif kind == "boolean":
            write("n = data[pos]")
            write("pos += 1")
            write("if n > 1: raise MalformedData(f'a boolean of {n}')")
            write(f"{into or '_'} = n == 1")
        elif kind == "fixed":
            write(f"{into or '_'} = data[pos : pos + {int(node['size'])}]")
            write(f"pos += {int(node['size'])}")
        else:
            self.integer(write)
            write("if n < 0: raise bad_count(n)")
            if into:
                write(f"{into} = data[pos : pos + n]{'.decode()' * (kind == 'string')}")
            write("pos += n")

    def _call(self, write: Function, node: Node, into: str | None) -> None:
        key = node.get("name") or id(node), into is None
        if key not in self._readers:
            self._readers[key] = self.name("read" if into else "skip")
            self._define(self._readers[key], node, is_skipping=into is None)
        write(f"{into or '_'}, pos = {self._readers[key]}(data, pos, depth + 1)")

    def _define(self, name: str, node: Node, *, is_skipping: bool) -> None:
        write = Function(f"def {name}(data, pos, depth):")
        write(f"if depth > {MAX_DEPTH}: raise MalformedData('values nested deeper than {MAX_DEPTH}')")
        if node["type"] in ("array", "map"):
            self._items(write, node, is_skipping)
        else:
            values = [None if is_skipping else self.name("v") for _ in node["fields"]]
            self.fields(write, [(field["type"], value) for field, value in zip(node["fields"], values, strict=True)])
            pairs = (f"{title_of(field)!r}: {value}" for field, value in zip(node["fields"], values, strict=True))
            write(f"return {'None' if is_skipping else '{' + ', '.join(pairs) + '}'}, pos")
        self.functions.append(write)

    def fields(self, write: Function, fields: list[tuple[Node, str | None]]) -> None:
        """Write code that reads the fields of a record."""
        run: list[tuple[str, str | None]] = []
        for node, into in fields:
            kind = kind_of(self.schema.resolved(node))
            if kind in WIDTHS:
                run.append((kind, into))
                continue
            if run:
                self.run(write, run)
                run = []
            self.read(write, node, into)
        if run:
            self.run(write, run)

    def _items(self, write: Function, node: Node, is_skipping: bool) -> None:
        """Write code that reads the blocks of an array or map. A negative count is followed by the block's size."""
        is_map = node["type"] == "map"
        item, least = node["values" if is_map else "items"], self._least(node["values" if is_map else "items"])
        write(f"values, total = {'{}' if is_map else '[]'}, 0")
        with write.block("while True:"):
            self.integer(write, "items")
            write("if not items: return values, pos")
            with write.block("if items < 0:"):
                self.integer(write, "size")
                write("items = -items")
                if is_skipping:
                    write("if size < 0: raise bad_count(size)")
                    write("pos += size")
                    write("continue")
            write("total += items")
            room = f"len(data) - pos - items * {least + is_map}" if least + is_map else f"{MAX_EMPTY_ITEMS} - total"
            write(f"if {room} < 0: raise bad_count(items)")
            with write.block("for _ in range(items):"):
                if is_map:
                    self.read(write, "string", "key")
                    write("if key in values: raise MalformedData(f'the key {key[:40]!r} twice in a map')")
                self.read(write, item, None if is_skipping else "item")
                if is_map:
                    write(f"values[key] = {None if is_skipping else 'item'}")
                elif not is_skipping:
                    write("values.append(item)")

    def _least(self, node: Node, depth: int = 0) -> int:
        """Return the least number of bytes that a value takes, or a lower bound of it."""
        node = self.schema.resolved(node)
        kind = kind_of(node)
        if kind in ("record", "error"):
            return sum(self._least(field["type"], depth + 1) for field in node["fields"]) if depth < 4 else 0
        if kind == "fixed":
            return int(node["size"])
        return 0 if kind == "null" else WIDTHS.get(kind, 1)
