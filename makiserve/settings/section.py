"""Sections and their options: each option is declared once, as a field of a section.

That one declaration has its name, type, default and help. The flag, the environment variable, the key in the
configuration file, the line of `makiserve config` and the reference pages are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, get_origin, get_type_hints

from typing_extensions import dataclass_transform

from makiserve.settings.text import Size

ENVIRONMENT = "MAKISERVE_"


@dataclass(frozen=True)
class OptionSpec:
    """The arguments of `option` that a dataclass field does not hold itself."""

    help: str
    metavar: str | None
    name: str | None
    flag: str | None
    aliases: tuple[str, ...]
    derived: str | None
    minimum: Any
    is_secret: bool


def option(
    *,
    help: str,  # noqa: A002  the name that click and argparse use
    default: Any = MISSING,
    metavar: str | None = None,
    name: str | None = None,
    flag: str | None = None,
    aliases: tuple[str, ...] = (),
    derived: str | None = None,
    minimum: Any = None,
    is_secret: bool = False,
) -> Any:
    """Declare an option: a field of a section.

    Args:
        help: one sentence that explains what the option does and why one would change it.
        default: None makes the option optional. Without a default and without `derived` it is required.
        metavar: the placeholder of the value in help texts; None derives it from the type.
        name: the name for users; None uses the field's name.
        flag: the flag, if it is not `--name`.
        aliases: environment variables of other programs that also set the option.
        derived: a default built from another option: `{serve.output}.dead-letters`.
        minimum: the smallest value allowed.
        is_secret: whether the value is masked. `file:/run/secrets/x` reads it from that file.
    """
    spec = OptionSpec(help, metavar, name, flag, aliases, derived, minimum, is_secret)
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata={"option": spec}, repr=False)
    return field(default=default, metadata={"option": spec}, repr=not is_secret)


@dataclass_transform(frozen_default=True, field_specifiers=(option,))
class Section:
    """A frozen dataclass whose fields are options.

    Attributes:
        table: the table of the configuration file; empty for top-level keys.
        prefix: the prefix of its environment variables after MAKISERVE_; empty for the options of a service.
    """

    table: ClassVar[str]
    prefix: ClassVar[str]

    def __init_subclass__(cls, table: str, prefix: str = "") -> None:
        cls.table, cls.prefix = table, prefix
        dataclass(frozen=True)(cls)


@dataclass(frozen=True)
class Option:
    """An option and its names.

    Attributes:
        attribute: the name of the section's field.
        kind: its type; `Size` if the field's name ends in `_bytes`.
        key: its key in the section's table. A mapping has a separate table.
        default: MISSING if it has none.
    """

    section: type[Section]
    attribute: str
    kind: Any
    key: str
    default: Any
    spec: OptionSpec

    def __hash__(self) -> int:
        return hash((self.section, self.attribute))

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return self.spec.flag or f"--{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return ENVIRONMENT + self.section.prefix + self.key.upper().replace("-", "_")

    @property
    def is_mapping(self) -> bool:
        """Return whether its value is pairs that are set one at a time: `--kafka KEY=VALUE`."""
        return get_origin(self.kind) is Mapping

    @property
    def is_list(self) -> bool:
        """Return whether its flag may be repeated."""
        return get_origin(self.kind) is tuple


def options(section: type[Section]) -> Iterator[Option]:
    """Yield the options of a section in the order of their declaration."""
    kinds = get_type_hints(section)
    for declared in fields(section):  # type: ignore[arg-type]  # dataclasses, by __init_subclass__
        spec: OptionSpec = declared.metadata["option"]
        default = declared.default if declared.default_factory is MISSING else declared.default_factory()
        kind = Size if declared.name.endswith("_bytes") else kinds[declared.name]
        key = spec.name or declared.name.replace("_", "-")
        yield Option(section, declared.name, kind, key, default, spec)
