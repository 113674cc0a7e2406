"""Names of classes and attributes, made from names in data. Letters of every alphabet are kept."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator


def class_name(text: str) -> str:
    """Return a class name for a subject, topic or file.

    >>> class_name("house-readings-value")
    'HouseReadings'
    """
    words = _words(re.sub(r"-(value|key)$", "", text.rpartition(".")[2]))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Record{name}"


def attribute_names(titles: Iterable[str]) -> Iterator[str]:
    """Yield an attribute for each title: the title if it is a lower-case identifier, otherwise its words.

    >>> list(attribute_names(["windSpeed", "House overall [kW]", "Größe", "気温", "1st"]))
    ['wind_speed', 'house_overall_kw', 'größe', '気温', 'field_1st']
    """
    taken: set[str] = set()
    for title in titles:
        attribute = title if _is_attribute(title) else _attribute(title)
        while attribute in taken:
            attribute += "_"
        taken.add(attribute)
        yield attribute


def _is_attribute(title: str) -> bool:
    is_lower = title == _normalized(title.lower()) and not title.startswith("_")
    return is_lower and title.isidentifier() and not keyword.iskeyword(title)


def _attribute(title: str) -> str:
    words = "_".join(_words(_separated(title).lower())) or "field"
    words = words if words.isidentifier() else f"field_{words}"
    return f"{words}_" if keyword.iskeyword(words) else words


def _separated(title: str) -> str:
    """Return a title with an underscore before each capitalized word: `windSpeed` becomes `wind_Speed`."""
    before, after = f" {title}", f"{title} "[1:]
    return "".join(
        f"_{letter}" if letter.isupper() and last.isalnum() and not last.isupper() and following.islower() else letter
        for last, letter, following in zip(before, title, after, strict=False)
    )


def _words(text: str) -> list[str]:
    """Return the parts of a text that an identifier can contain."""
    return re.split(r"[\s_]+", "".join(map(_in_identifier, _normalized(text))).strip(" _"))


def _in_identifier(character: str) -> str:
    return character if f"a{character}".isidentifier() else " "


def _normalized(text: str) -> str:
    """Return a text in the form in which Python reads identifiers."""
    return unicodedata.normalize("NFKC", text)
