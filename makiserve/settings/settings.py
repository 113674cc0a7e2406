"""The tree: every option with its value and where that came from."""

from __future__ import annotations

import re
from dataclasses import MISSING
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from makiserve.errors import ConfigurationError
from makiserve.settings.section import Option, Section, options
from makiserve.settings.sections import LogSettings
from makiserve.settings.sources import Given, Key, Layer
from makiserve.settings.text import text_from_value, value_from_text

S = TypeVar("S", bound=Section)

SECRET = re.compile(r"user\.info|auth\.token|password|passphrase|secret|\.pem$|private|oauthbearer\.config")
"""The librdkafka properties that nobody may see."""

IN_FILE = "file:"
MASK = "••••"


class Value(NamedTuple):
    """A value, and where it came from: a source of `Given`, `default`, or empty where there is none."""

    value: Any
    source: str


class Settings:
    """All options of all sections.

    Args:
        sections: the tree's.
        layers: what was given; a later one wins.

    Raises:
        ConfigurationError: a value is not what its option takes.
    """

    def __init__(self, sections: tuple[type[Section], ...], *layers: Layer) -> None:
        self._given: Layer = {key: given for layer in layers for key, given in layer.items()}
        self._options = {(each.section, each.attribute): each for section in sections for each in options(section)}
        self._values: dict[Key, Any] = {}
        self._refusals: dict[Key, ConfigurationError] = {}
        for key, given in self._given.items():
            self._read(key, given)

    def of(self, section: type[S], **otherwise: Any) -> S:
        """Return a section, all of its options set.

        Args:
            section: the section.
            otherwise: the values of options that must be given and are not.

        Raises:
            ConfigurationError: an option that must be given is not.
        """
        values = {each.attribute: self.value(each).value for each in options(section)}
        values |= {name: value for name, value in otherwise.items() if values[name] is MISSING}
        if absent := [each.flag for each in options(section) if _is_absent(each, values[each.attribute])]:
            raise ConfigurationError(f"give {', '.join(absent)}")
        return section(**values)

    def absent(self, *sections: type[Section]) -> list[str]:
        """The flags of the options that must be given and are not; without those that follow from others."""
        return [
            each.flag for section in sections for each in options(section) if _is_absent(each, self.value(each).value)
        ]

    def has(self, section: type[Section], attribute: str) -> bool:
        """Whether somebody has given an option."""
        return Key(self._options[section, attribute]) in self._given

    def refuse_flags(self, why: str, *but: type[Section]) -> None:
        """Refuse what the command line gives to other sections than these.

        Raises:
            ConfigurationError: there is such a flag.
        """
        fine = {each.flag for section in (*but, LogSettings) for each in options(section)}
        for key, given in self._given.items():
            if given.source == key.option.flag and given.source not in fine:
                raise ConfigurationError(f"{given.source}: {why}")

    def value(self, option: Option) -> Value:
        """The value of an option; MISSING where it must be given and is not. Pairs are a dictionary."""
        if option.is_mapping:
            return Value({key.pair: value for key, value in self._values.items() if key.option == option}, "")
        if Key(option) in self._refusals:
            raise self._refusals[Key(option)]
        if Key(option) in self._values:
            return Value(self._values[Key(option)], self._given[Key(option)].source)
        value = self._derived(option.told.derived) if option.told.derived else option.default
        return Value(value, "" if value in (None, MISSING) else "default")

    def shown(self, option: Option) -> dict[str, tuple[str | tuple[str, ...], str]]:
        """The text of an option and where it came from, by the keys of its pairs; secrets masked."""
        own = {key.pair: given for key, given in self._given.items() if key.option == option}
        if option.is_mapping or own:
            return {pair: (_masked(Key(option, pair), given), given.source) for pair, given in own.items()}
        value, source = self.value(option)
        if not source:
            return {}
        texts = tuple(text_from_value(option.kind, each) for each in value) if option.is_list else None
        return {"": (text_from_value(option.kind, value) if texts is None else texts, source)}

    def _read(self, key: Key, given: Given) -> None:
        """Note a value; where a flag is of several sections, its refusal waits until one asks for it."""
        try:
            self._values[key] = _value(key, given)
        except ConfigurationError as error:
            if sum(each.flag == given.source for each in self._options.values()) < 2:
                raise
            self._refusals[key] = error

    def _derived(self, template: str) -> Any:
        """The template, filled; MISSING where what it is made of is not given."""
        parts: list[str] = []
        for text, table, attribute in re.findall(r"([^{]*)(?:\{(\w+)\.(\w+)\})?", template):
            parts.append(text)
            if table:
                other = next(
                    each for (of, name), each in self._options.items() if (of.table, name) == (table, attribute)
                )
                value = self.value(other).value
                if value is MISSING:
                    return MISSING
                parts.append(str(value))
        return "".join(parts)


def _is_absent(option: Option, value: Any) -> bool:
    return value is MISSING and not option.told.derived


def _value(key: Key, given: Given) -> Any:
    option, text = key.option, given.text
    try:
        if option.is_list:
            return tuple(_checked(option, each) for each in ((text,) if isinstance(text, str) else text))
        if option.is_mapping or option.told.is_secret:
            return _revealed(str(text))
        return _checked(option, str(text))
    except (ValueError, OSError) as error:
        where = given.source if given.source in (option.flag, option.variable) else f"{given.source}: {option.key}"
        said = error.strerror if isinstance(error, OSError) else error
        pair = f"{key.pair}=" if key.pair else ""
        raise ConfigurationError(f"{where} {pair}{_masked(key, given)}: {said}") from error


def _checked(option: Option, text: str) -> Any:
    value = value_from_text(option.kind, text)
    if option.told.least is not None and value < option.told.least:
        raise ValueError(f"expected {text_from_value(option.kind, option.told.least)} or more")
    return value


def _revealed(text: str) -> str:
    """A secret's value: `file:/run/secrets/x` is what is in that file, without the end of its line."""
    return Path(text.removeprefix(IN_FILE)).read_text().rstrip("\r\n") if text.startswith(IN_FILE) else text


def _masked(key: Key, given: Given) -> str | tuple[str, ...]:
    """What may be shown: the name of a secret's file is none."""
    is_secret = key.option.told.is_secret or (key.option.is_mapping and SECRET.search(key.pair))
    return MASK if is_secret and not str(given.text).startswith(IN_FILE) else given.text
