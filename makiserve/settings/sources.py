"""Where values come from: flags, the environment, a file. Each refuses what it does not know."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from makiserve.errors import ConfigurationError
from makiserve.settings.section import ENVIRONMENT, Option

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG = "MAKISERVE_CONFIG"
"""The variable that names the configuration file."""

OF_KUBERNETES = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$")
"""What Kubernetes and Docker put into the environment where a service is called makiserve: it is not for us."""


class Key(NamedTuple):
    """An option; of a mapping, one pair: its key, empty otherwise."""

    option: Option
    pair: str = ""


class Given(NamedTuple):
    """Text that somebody has given, and where: `--group`, `MAKISERVE_GROUP`, `makiserve.toml`."""

    text: str | tuple[str, ...]
    source: str


Layer = dict[Key, Given]


def given_by_flags(known: Iterable[Option], flags: Mapping[str, Any]) -> Layer:
    """What the command line gives.

    Args:
        known: the options of the command.
        flags: by flag; None and () where it was not given.

    Raises:
        ConfigurationError: a pair is not KEY=VALUE.
    """
    found: Layer = {}
    for option in known:
        value = flags.get(option.flag)
        if option.is_mapping:
            for text in value or ():
                name, equals, value_of_pair = text.partition("=")
                if not (name and equals):
                    raise ConfigurationError(f"{option.flag} {text}: expected KEY=VALUE, such as security.protocol=SSL")
                found[Key(option, name)] = Given(value_of_pair, option.flag)
        elif value not in (None, ()):
            found[Key(option)] = Given(_text(value), option.flag)
    return found


def given_by_environment(known: Iterable[Option], environment: Mapping[str, str]) -> Layer:
    """What the environment gives. MAKISERVE_KAFKA_SSL_CA_LOCATION is ssl.ca.location; two underscores are one.

    Raises:
        ConfigurationError: a variable begins with MAKISERVE_ and is none of ours.
    """
    known = list(known)
    found = {
        Key(each): Given(_items(each, environment[name]), name)
        for each in known
        for name in (*each.told.aliases, each.variable)
        if name in environment and not each.is_mapping
    }
    names = {each.variable for each in known if not each.is_mapping}
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT) or name in names or name == CONFIG or OF_KUBERNETES.search(name):
            continue
        for each in known:
            if each.is_mapping and name.startswith(f"{each.variable}_"):
                words = name.removeprefix(f"{each.variable}_").lower().split("__")
                found[Key(each, "_".join(word.replace("_", ".") for word in words))] = Given(environment[name], name)
                break
        else:
            raise ConfigurationError(f"{name}: there is no such variable{nearest(name, [*names, CONFIG])}")
    return found


def given_by_file(known: Iterable[Option], path: Path) -> Layer:
    """What a TOML file gives.

    Raises:
        ConfigurationError: it cannot be read, or has a table or key that is none of ours.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    found: Layer = {}
    tables: dict[str, dict[str, Option]] = {"": {}}
    for each in known:
        if each.is_mapping:
            pairs = _table(content.pop(each.key, {}), f"{path}: {each.key}")
            found |= {Key(each, name): Given(_text(value), str(path)) for name, value in _flat(pairs).items()}
        else:
            tables.setdefault(each.section.table, {})[each.key] = each
    mappings = [each.key for each in known if each.is_mapping]
    for name, value in content.items():
        if name in tables[""]:
            found[Key(tables[""][name])] = Given(_text(value), str(path))
        elif name in tables:
            own = tables[name]
            for key, item in _table(value, f"{path}: {name}").items():
                if key not in own:
                    raise ConfigurationError(f"{path}: [{name}] has no key {key}{nearest(key, own)}")
                found[Key(own[key])] = Given(_text(item), str(path))
        else:
            names = [*tables[""], *mappings, *filter(None, tables)]
            raise ConfigurationError(f"{path}: there is no key or table {name}{nearest(name, names)}")
    return found


def nearest(name: str, names: Iterable[str]) -> str:
    """The question whether another name was meant, where there is one that is like it."""
    close = get_close_matches(name, list(names), n=1)
    return f". Is it {close[0]}?" if close else ""


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} is a table: [{where.rpartition(' ')[2]}]")
    return value


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as names with dots: that is what TOML makes of `ssl.ca.location = "…"`."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def _items(option: Option, text: str) -> str | tuple[str, ...]:
    return tuple(text.split(",")) if option.is_list else text


def _text(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
