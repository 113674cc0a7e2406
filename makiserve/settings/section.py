"""Sections and their options: each option is declared once, as a field of a section.

Its name, type, default and help are in that one place; from it come the flag, the environment variable, the key in the
configuration file, the line of `makiserve config` and the reference pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, get_origin, get_type_hints

from typing_extensions import dataclass_transform

from makiserve.settings.text import Size

ENVIRONMENT = "MAKISERVE_"


@dataclass(frozen=True)
class Declared:
    """What `option` was told, beside name, type and default, which are the field's."""

    help: str
    metavar: str | None
    name: str | None
    flag: str | None
    aliases: tuple[str, ...]
    derived: str | None
    least: Any
    is_secret: bool


def option(
    *,
    help: str,  # noqa: A002  what click, argparse and everybody else call it
    default: Any = MISSING,
    metavar: str | None = None,
    name: str | None = None,
    flag: str | None = None,
    aliases: tuple[str, ...] = (),
    derived: str | None = None,
    least: Any = None,
    is_secret: bool = False,
) -> Any:
    """A field of a section that a person can set.

    Args:
        help: one sentence: what it is, and why one would change it.
        default: without one, and not `derived`, the option must be given. None: it may be absent.
        metavar: what stands for the value in help texts; the type says it where None.
        name: the name outside; the field's where None.
        flag: the flag, where it is not `--name`.
        aliases: further environment variables, of other programs.
        derived: a default made of another option: `{serve.output}.dead-letters`.
        least: the smallest value allowed.
        is_secret: never shown; `file:/run/secrets/x` stands for the content of that file.
    """
    told = Declared(help, metavar, name, flag, aliases, derived, least, is_secret)
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata={"option": told}, repr=False)
    return field(default=default, metadata={"option": told}, repr=not is_secret)


@dataclass_transform(frozen_default=True, field_specifiers=(option,))
class Section:
    """A frozen dataclass whose fields are options.

    Attributes:
        table: the table of the configuration file; empty for keys that stand above all tables.
        prefix: begins the names of its environment variables, after MAKISERVE_: those of what is not a service.
    """

    table: ClassVar[str]
    prefix: ClassVar[str]

    def __init_subclass__(cls, table: str, prefix: str = "") -> None:
        cls.table, cls.prefix = table, prefix
        dataclass(frozen=True)(cls)


@dataclass(frozen=True)
class Option:
    """An option, and its names.

    Attributes:
        attribute: the field of the section.
        kind: its type; `Size` where the field's name ends in `_bytes`.
        key: in the table of its section. A mapping is a table of its own.
        default: MISSING where there is none.
    """

    section: type[Section]
    attribute: str
    kind: Any
    key: str
    default: Any
    told: Declared

    def __hash__(self) -> int:
        return hash((self.section, self.attribute))

    @property
    def flag(self) -> str:
        """Of the command line."""
        return self.told.flag or f"--{self.key}"

    @property
    def variable(self) -> str:
        """Of the environment."""
        return ENVIRONMENT + self.section.prefix + self.key.upper().replace("-", "_")

    @property
    def is_mapping(self) -> bool:
        """Whether it is pairs, each set by itself: `--kafka KEY=VALUE`."""
        return get_origin(self.kind) is Mapping

    @property
    def is_list(self) -> bool:
        """Whether its flag may be repeated."""
        return get_origin(self.kind) is tuple


def options(section: type[Section]) -> Iterator[Option]:
    """The options of a section, as declared."""
    kinds = get_type_hints(section)
    for each in fields(section):  # type: ignore[arg-type]  # dataclasses, by __init_subclass__
        told: Declared = each.metadata["option"]
        default = each.default if each.default_factory is MISSING else each.default_factory()
        kind = Size if each.name.endswith("_bytes") else kinds[each.name]
        key = told.name or each.name.replace("_", "-")
        yield Option(section, each.name, kind, key, default, told)
