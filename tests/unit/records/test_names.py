"""Names of classes and attributes: letters of every alphabet are kept, and every name is one that Python accepts."""

from __future__ import annotations

import keyword
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.records.inference import InferredField, InferredRecord, source_of
from makiserve.records.names import attribute_names, class_name
from tests.loops import loop_over


@loop_over(
    ("title", "attribute"),
    [
        ("Größe", "größe"),
        ("ТемператураВоздуха", "температура_воздуха"),
        ("Température [°C]", "température_c"),
        ("気温", "気温"),
        ("तापमान", "तापमान"),
        ("m²", "m2"),
        ("windSpeed", "wind_speed"),
        ("HTTPServer", "httpserver"),
        ("class", "class_"),
        ("1st", "field_1st"),
        ("°", "field"),
        ("", "field"),
        ("_x", "x"),
    ],
)
def test_attribute_keeps_the_letters_of_its_title(title: str, attribute: str) -> None:
    assert list(attribute_names([title])) == [attribute]


def test_titles_with_the_same_words_have_different_attributes() -> None:
    assert list(attribute_names(["a b", "a_b", "A b", "%", "°"])) == ["a_b", "a_b_", "a_b__", "field", "field_"]


@given(st.lists(st.text(max_size=6), max_size=4))
def test_every_attribute_is_an_identifier_as_python_reads_it(titles: list[str]) -> None:
    names = list(attribute_names(titles))
    assert len(set(names)) == len(titles)
    for name in names:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert not name.startswith("_")
        assert unicodedata.normalize("NFKC", name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("house-value", "House"),
        ("com.acme.House", "House"),
        ("house_readings", "HouseReadings"),
        ("7up", "Record7up"),
        ("данные-дома", "ДанныеДома"),
        ("none", "RecordNone"),
        ("", "Record"),
    ],
)
def test_a_class_is_named_for_its_source(text: str, name: str) -> None:
    assert class_name(text) == name


def test_a_renamed_field_has_its_title_as_name() -> None:
    fields = [InferredField("Größe", "float", False), InferredField("気温", "float", True)]
    source = source_of(InferredRecord("House", "A row.", fields))
    assert '    größe: float = makiserve.field(name="Größe")\n    気温: float | None = None\n' in source
