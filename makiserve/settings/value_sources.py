"""The sources of values: flags, the environment, a file. Each one refuses unknown names."""

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
"""The variables that Kubernetes and Docker add if a service is called makiserve. They are ignored."""


class Key(NamedTuple):
    """An option, and the key of a pair if the option is a mapping."""

    option: Option
    pair: str = ""


class Given(NamedTuple):
    """A given text and its source: `--group`, `MAKISERVE_GROUP`, `makiserve.toml`."""

    text: str | tuple[str, ...]
    source: str


Layer = dict[Key, Given]


def given_by_flags(known: Iterable[Option], flags: Mapping[str, Any]) -> Layer:
    """Return the values from the command line.

    Args:
        known: the options of the command.
        flags: the values by flag; None or () if the flag was not given.

    Raises:
        ConfigurationError: a pair is not KEY=VALUE.
    """
    layer: Layer = {}
    for option in known:
        value = flags.get(option.flag)
        if option.is_mapping:
            for text in value or ():
                name, equals, value_of_pair = text.partition("=")
                if not (name and equals):
                    raise ConfigurationError(f"{option.flag} {text}: expected KEY=VALUE, such as security.protocol=SSL")
                layer[Key(option, name)] = Given(value_of_pair, option.flag)
        elif value not in (None, ()):
            layer[Key(option)] = Given(_text(value), option.flag)
    return layer


def given_by_environment(known: Iterable[Option], environment: Mapping[str, str]) -> Layer:
    """Return the values from the environment.

    MAKISERVE_KAFKA_SSL_CA_LOCATION sets ssl.ca.location; a double underscore becomes a single one.

    Raises:
        ConfigurationError: a variable begins with MAKISERVE_ but is not known.
    """
    known = list(known)
    layer = {
        Key(option): Given(_items(option, environment[name]), name)
        for option in known
        for name in (*option.spec.aliases, option.variable)
        if name in environment and not option.is_mapping
    }
    names = {option.variable for option in known if not option.is_mapping}
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT) or name in names or name == CONFIG or OF_KUBERNETES.search(name):
            continue
        for option in known:
            if option.is_mapping and name.startswith(f"{option.variable}_"):
                words = name.removeprefix(f"{option.variable}_").lower().split("__")
                layer[Key(option, "_".join(word.replace("_", ".") for word in words))] = Given(environment[name], name)
                break
        else:
            raise ConfigurationError(f"{name}: unknown variable{nearest(name, [*names, CONFIG])}")
    return layer


def given_by_file(known: Iterable[Option], path: Path) -> Layer:
    """Return the values from a TOML file.

    Raises:
        ConfigurationError: the file cannot be read, or has an unknown table or key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows write a byte order mark
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    layer: Layer = {}
    tables: dict[str, dict[str, Option]] = {"": {}}
    for option in known:
        if option.is_mapping:
            pairs = _table(content.pop(option.key, {}), f"{path}: {option.key}")
            layer |= {Key(option, name): Given(_text(value), str(path)) for name, value in _flat(pairs).items()}
        else:
            tables.setdefault(option.section.table, {})[option.key] = option
    mappings = [option.key for option in known if option.is_mapping]
    for name, value in content.items():
        if name in tables[""]:
            layer[Key(tables[""][name])] = Given(_text(value), str(path))
        elif name in tables:
            keys = tables[name]
            for key, item in _table(value, f"{path}: {name}").items():
                if key not in keys:
                    raise ConfigurationError(f"{path}: unknown key {key} in [{name}]{nearest(key, keys)}")
                layer[Key(keys[key])] = Given(_text(item), str(path))
        else:
            names = [*tables[""], *mappings, *filter(None, tables)]
            raise ConfigurationError(f"{path}: unknown key or table {name}{nearest(name, names)}")
    return layer


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a suggestion of the most similar name; empty if none is similar."""
    close = get_close_matches(name, list(names), n=1)
    return f". Did you mean {close[0]}?" if close else ""


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table: [{where.rpartition(' ')[2]}]")
    return value


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the names of nested tables with dots. TOML reads `ssl.ca.location = "…"` as nested tables."""
    pairs: dict[str, Any] = {}
    for name, value in table.items():
        pairs |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return pairs


def _items(option: Option, text: str) -> str | tuple[str, ...]:
    return tuple(text.split(",")) if option.is_list else text


def _text(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
