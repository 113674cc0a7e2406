"""The settings tree: every option with its value and the source of the value."""

from __future__ import annotations

import re
from dataclasses import MISSING
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from makiserve.errors import ConfigurationError
from makiserve.settings.section import Option, Section, options
from makiserve.settings.service_sections import LogSettings
from makiserve.settings.text import text_from_value, value_from_text
from makiserve.settings.value_sources import Given, Key, Layer

S = TypeVar("S", bound=Section)

SECRET = re.compile(r"user\.info|auth\.token|password|passphrase|secret|\.pem$|private|oauthbearer\.config")
"""The librdkafka and schema registry properties whose values are masked."""

ANOTHER = re.compile(r"\{\w+\.\w+\}")
"""The template of an option that is the same as another one by default."""

IN_FILE = "file:"
MASK = "••••"


class SettingValue(NamedTuple):
    """A value and its source: that of a `Given`, or `default`; empty if the option has no value."""

    value: Any
    source: str


class Settings:
    """All options of all sections.

    Args:
        sections: the sections of the tree.
        layers: the given values, by source; a later layer overrides an earlier one.

    Raises:
        ConfigurationError: a value is not valid for its option.
    """

    def __init__(self, sections: tuple[type[Section], ...], *layers: Layer) -> None:
        self._given: Layer = {key: given for layer in layers for key, given in layer.items()}
        self._options = {
            (option.section, option.attribute): option for section in sections for option in options(section)
        }
        self._values: dict[Key, Any] = {}
        self._refusals: dict[Key, ConfigurationError] = {}
        for key, given in self._given.items():
            self._read(key, given)

    def of(self, section: type[S], **otherwise: Any) -> S:
        """Return a section with all of its options set.

        Args:
            section: the section.
            otherwise: values for required options that are not given.

        Raises:
            ConfigurationError: a required option is not given.
        """
        values = {option.attribute: self.value(option).value for option in options(section)}
        values |= {name: value for name, value in otherwise.items() if values[name] is MISSING}
        if absent := [option.flag for option in options(section) if _is_absent(option, values[option.attribute])]:
            raise ConfigurationError(f"give {', '.join(absent)}")
        return section(**values)

    def absent(self, *sections: type[Section]) -> list[str]:
        """Return the flags of the required options that are not given.

        An option that is derived from others is among them only if it is the same as another one, which is not given.
        """
        return [
            option.flag
            for section in sections
            for option in options(section)
            if _is_absent(option, self.value(option).value)
        ]

    def has(self, section: type[Section], attribute: str) -> bool:
        """Return whether an option is given, by any source."""
        return Key(self._options[section, attribute]) in self._given

    def refuse_flags(self, reason: str, *allowed: type[Section]) -> None:
        """Refuse flags of other sections than these.

        Raises:
            ConfigurationError: such a flag is given, for this reason.
        """
        flags = {option.flag for section in (*allowed, LogSettings) for option in options(section)}
        for key, given in self._given.items():
            if given.source == key.option.flag and given.source not in flags:
                raise ConfigurationError(f"{given.source}: {reason}")

    def value(self, option: Option) -> SettingValue:
        """Return the value of an option; MISSING if it is required but not given. Pairs are a dictionary."""
        if option.is_mapping:
            return SettingValue({key.pair: value for key, value in self._values.items() if key.option == option}, "")
        if Key(option) in self._refusals:
            raise self._refusals[Key(option)]
        if Key(option) in self._values:
            return SettingValue(self._values[Key(option)], self._given[Key(option)].source)
        value = self._derived(option.spec.derived) if option.spec.derived else option.default
        return SettingValue(value, "" if value in (None, MISSING) else "default")

    def shown(self, option: Option) -> dict[str, tuple[str | tuple[str, ...], str]]:
        """Return the text of an option and its source, by the keys of its pairs; secrets are masked."""
        pairs = {key.pair: given for key, given in self._given.items() if key.option == option}
        if option.is_mapping or pairs:
            return {pair: (_masked(Key(option, pair), given), given.source) for pair, given in pairs.items()}
        value, source = self.value(option)
        if not source:
            return {}
        texts = tuple(text_from_value(option.kind, item) for item in value) if option.is_list else None
        return {"": (text_from_value(option.kind, value) if texts is None else texts, source)}

    def _read(self, key: Key, given: Given) -> None:
        """Read a given value; keep the error until the value is needed if several sections share the flag."""
        try:
            self._values[key] = _value(key, given)
        except ConfigurationError as error:
            if sum(option.flag == given.source for option in self._options.values()) < 2:
                raise
            self._refusals[key] = error

    def _derived(self, template: str) -> Any:
        """Fill in the template; MISSING if an option in it has no value."""
        parts: list[str] = []
        for text, table, attribute in re.findall(r"([^{]*)(?:\{(\w+)\.(\w+)\})?", template):
            parts.append(text)
            if table:
                other = next(
                    option
                    for (section, name), option in self._options.items()
                    if (section.table, name) == (table, attribute)
                )
                value = self.value(other).value
                if value is MISSING:
                    return MISSING
                parts.append(str(value))
        return "".join(parts)


def _is_absent(option: Option, value: Any) -> bool:
    return value is MISSING and (not option.spec.derived or bool(ANOTHER.fullmatch(option.spec.derived)))


def _value(key: Key, given: Given) -> Any:
    option, text = key.option, given.text
    try:
        if option.is_list:
            return tuple(_checked(option, item) for item in ((text,) if isinstance(text, str) else text))
        if option.is_mapping or option.spec.is_secret:
            return _revealed(str(text))
        return _checked(option, str(text))
    except (ValueError, OSError) as error:
        where = given.source if given.source in (option.flag, option.variable) else f"{given.source}: {option.key}"
        reason = error.strerror if isinstance(error, OSError) else error
        pair = f"{key.pair}=" if key.pair else ""
        raise ConfigurationError(f"{where} {pair}{_masked(key, given)}: {reason}") from error


def _checked(option: Option, text: str) -> Any:
    value = value_from_text(option.kind, text)
    if option.spec.minimum is not None and value < option.spec.minimum:
        raise ValueError(f"expected {text_from_value(option.kind, option.spec.minimum)} or more")
    return value


def _revealed(text: str) -> str:
    """Return the value of a secret; `file:/run/secrets/x` is read from that file, without the final line break."""
    return Path(text.removeprefix(IN_FILE)).read_text().rstrip("\r\n") if text.startswith(IN_FILE) else text


def _masked(key: Key, given: Given) -> str | tuple[str, ...]:
    """Return the text to show. The name of a file that contains a secret is not masked."""
    is_secret = key.option.spec.is_secret or (key.option.is_mapping and SECRET.search(key.pair))
    return MASK if is_secret and not str(given.text).startswith(IN_FILE) else given.text
