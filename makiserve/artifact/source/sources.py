"""The source files of a pipeline, as stored in the artifact."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

INIT = "__init__.py"


@dataclass(frozen=True)
class Sources:
    """Python files by their path in the tree that they were imported from, such as `house/features.py`."""

    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The SHA-256 of the paths and contents, in the order of the paths. It changes with any byte of either."""
        sha = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            sha.update(f"{path}\0{len(content)}\0".encode())
            sha.update(content)
        return sha.hexdigest()

    @property
    def modules(self) -> dict[str, str]:
        """The path of each module, by its dotted name."""
        return {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in self.files}

    @property
    def top_level(self) -> set[str]:
        """The first parts of the dotted names."""
        return {name.partition(".")[0] for name in self.modules}

    def write(self, directory: Path) -> None:
        """Store the files below `directory`."""
        for path, content in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def read_sources(directory: Path) -> Sources:
    """Read all files below `directory`, with any name, so that an added file also changes the digest."""
    paths = (path for path in directory.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return Sources({path.relative_to(directory).as_posix(): path.read_bytes() for path in paths})
