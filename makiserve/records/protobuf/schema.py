"""Protobuf schemas, compiled by the protoc of grpcio-tools in a separate process."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from google.protobuf import duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError as ProtobufError

from makiserve.errors import ConfigurationError, DecodeError

MAX_SCHEMA_BYTES = 1 << 20
"""Maximum size of a schema, including the files that it imports."""

MAX_NAME, MAX_PART_BYTES = 1_000, 255
"""Maximum length of the name of a file, and of a part of it between slashes."""

COMPILE_S = 30.0
MAIN = "makiserve_schema.proto"
WELL_KNOWN = (duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)


class ProtobufSchema(NamedTuple):
    """A compiled schema.

    Attributes:
        pool: the message types.
        file: the file that describes the messages.
    """

    pool: DescriptorPool
    file: FileDescriptorProto

    def message(self, indexes: Sequence[int]) -> Any:
        """Return the descriptor of the message type at a path of indexes in the file.

        Raises:
            DecodeError: the file has no such message type.
        """
        types, names = self.file.message_type, [self.file.package] if self.file.package else []
        for index in indexes:
            if not 0 <= index < len(types):
                raise DecodeError(f"the Protobuf schema has no message type {list(indexes)}")
            names.append(types[index].name)
            types = types[index].nested_type
        return self.pool.FindMessageTypeByName(".".join(names))


def compiled(text: str, references: Iterable[tuple[str, str]] = ()) -> ProtobufSchema:
    """Compile a schema.

    Args:
        text: a .proto file, or a serialized file descriptor as Base64.
        references: name and text of the files that it imports.

    Raises:
        DecodeError: the schema is too large or not valid.
        ConfigurationError: grpcio-tools is not installed.
    """
    sources = {MAIN: text, **{name: source for name, source in references if name != MAIN}}
    if (size := sum(map(len, sources.values()))) > MAX_SCHEMA_BYTES:
        raise DecodeError(f"the Protobuf schema has {size:,} characters, more than {MAX_SCHEMA_BYTES:,}")
    files = _serialized(sources) or _compiled(sources)
    pool = DescriptorPool()
    try:
        for file in files:
            pool.Add(file)
        pool.FindFileByName(files[-1].name)
    except (TypeError, KeyError) as error:
        raise DecodeError(f"not a Protobuf schema that can be read: {error}"[:300]) from error
    return ProtobufSchema(pool, files[-1])


def _serialized(sources: dict[str, str]) -> list[FileDescriptorProto] | None:
    """Return the file descriptors that texts contain, after those of Protobuf's own types; None if they are text."""
    if not all(sources.values()):
        return None
    try:
        files = {
            name: FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
            for name, text in sources.items()
        }
    except (binascii.Error, ValueError, ProtobufError):
        return None
    well_known = [FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb) for module in WELL_KNOWN]
    for name, file in files.items():
        file.name = name
    return [*well_known, *(file for name, file in files.items() if name != MAIN), files[MAIN]]


def _check_names(names: Iterable[str]) -> None:
    """Raise a `DecodeError` for a name that no file in one folder could have."""
    paths = {PurePosixPath(name): name for name in names}
    folders = {parent for path in paths for parent in path.parents}
    for path, name in paths.items():
        is_long = len(name) > MAX_NAME or any(
            len(part.encode(errors="replace")) > MAX_PART_BYTES for part in path.parts
        )
        if path.is_absolute() or ".." in path.parts or is_long or not name.isprintable():
            raise DecodeError(f"the Protobuf schema imports a file named {name[:100]!r}")
        if path in folders:
            raise DecodeError(f"the Protobuf schema imports a file named {name[:100]!r}, which is also a folder")


def _compiled(sources: dict[str, str]) -> list[FileDescriptorProto]:
    """Return the descriptors of all files, each after those that it imports. The main file is the last."""
    if find_spec("grpc_tools") is None:
        raise ConfigurationError("Protobuf schemas need grpcio-tools: pip install 'makiserve[protobuf]'")
    _check_names(sources)
    with TemporaryDirectory(prefix="makiserve-") as folder:
        for name, source in sources.items():
            path = PurePosixPath(name)
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(source, encoding="utf-8", errors="replace")
        descriptor_file = Path(folder) / "descriptors"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--include_imports"]
        try:
            ran = subprocess.run(  # noqa: S603  our own interpreter
                [*command, f"--descriptor_set_out={descriptor_file}", MAIN],
                capture_output=True,
                timeout=COMPILE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DecodeError(f"compiling the Protobuf schema took more than {COMPILE_S:.0f} s") from error
        if ran.returncode or not descriptor_file.exists():
            lines = ran.stderr.decode(errors="replace").replace(f"{folder}/", "").splitlines()
            words = "; ".join(line for line in lines if re.match(r"\S+\.proto:", line))[:300]
            raise DecodeError(f"not a Protobuf schema that can be compiled: {words or lines[-1:]}")
        return list(FileDescriptorSet.FromString(descriptor_file.read_bytes()).file)
