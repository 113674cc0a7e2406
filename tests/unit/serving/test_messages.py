"""Values and headers of outputs and dead letters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from makiserve.errors import DecodeError, OperatorError, PredictError
from makiserve.serving.messages import (
    MAX_TRACE_BYTES,
    MAX_VALUE_BYTES,
    dead_letter,
    model_headers,
    source_header,
)


def model(**changes: str | None) -> Any:
    return SimpleNamespace(**{"name": "house", "version": "3", "uri": "models:/house/3", "digest": "d1", **changes})


def failed(cause: Exception) -> OperatorError:
    error = OperatorError("a function raised", operator="roll(window=3) > map", item=("secret",))
    error.__cause__ = cause
    return error


def test_an_output_names_its_model() -> None:
    assert model_headers(model()) == [
        ("makiserve.model", b"house"),
        ("makiserve.version", b"3"),
        ("makiserve.digest", b"d1"),
    ]


def test_a_model_that_is_not_registered_is_named_by_its_uri() -> None:
    found = model_headers(model(name=None, version=None, uri="runs:/abc/model"))
    assert found == [("makiserve.model", b"runs:/abc/model"), ("makiserve.digest", b"d1")]


def test_an_output_names_the_record_that_caused_it() -> None:
    assert source_header("in", 3, 42) == ("makiserve.source", b"in[3]@42")


def test_a_dead_letter_holds_the_value_and_the_reason() -> None:
    value, headers = dead_letter(b"{", 1007, DecodeError("field 'x': expected int"))
    assert value == b"{"
    assert headers[0] == ("makiserve.time", b"1007")
    assert headers[1:] == [("makiserve.reason", b"decode"), ("makiserve.error", b"field 'x': expected int")]
    assert dead_letter(b"{}", 1007, PredictError("no"))[1][1] == ("makiserve.reason", b"predict")


def test_the_dead_letter_of_an_operator_names_it_and_holds_the_traceback() -> None:
    _, headers = dead_letter(b"{}", 1007, failed(ZeroDivisionError("division by zero")))
    found = dict(headers)
    assert found["makiserve.operator"] == b"roll(window=3) > map"
    assert found["makiserve.traceback"].endswith(b"ZeroDivisionError: division by zero\n")


def test_no_header_is_long() -> None:
    _, headers = dead_letter(b"{}", 1007, failed(ValueError("x" * 100_000)))
    assert len(dict(headers)["makiserve.traceback"]) == MAX_TRACE_BYTES
    _, headers = dead_letter(b"{}", 1007, DecodeError("x" * 100_000))
    assert len(dict(headers)["makiserve.error"]) == 1000


def test_a_value_that_no_broker_would_take_stays_where_it_is() -> None:
    assert dead_letter(b"x" * MAX_VALUE_BYTES, 1007, DecodeError("no"))[0] is not None
    value, headers = dead_letter(b"x" * (MAX_VALUE_BYTES + 1), 1007, DecodeError("no"))
    assert (value, headers[-1]) == (None, ("makiserve.value-omitted", b"900001 bytes"))
    assert dead_letter(None, 1007, DecodeError("the message has no value"))[0] is None
