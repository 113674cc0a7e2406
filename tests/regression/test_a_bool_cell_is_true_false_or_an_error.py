"""RxSci takes any cell but "True" for False: "true", "1" and damaged ones, too."""

from __future__ import annotations

import pytest

from makiserve.errors import DecodeError
from makiserve.stream.rxsci.container import csv

PARSER = csv.create_line_parser([("is_dry", bool)])


@pytest.mark.parametrize(("cell", "value"), [("True", True), ("true", True), ("FALSE", False), ("", None)])
def test_a_bool_cell_is_true_or_false(cell: str, value: bool | None) -> None:
    assert PARSER(cell).is_dry is value


@pytest.mark.parametrize("cell", ["1", "yes", "Tru"])
def test_any_other_bool_cell_is_an_error(cell: str) -> None:
    with pytest.raises(DecodeError, match="expected bool"):
        PARSER(cell)
