"""Requests to a schema registry that answers, refuses, stalls or is not one."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from makiserve.errors import ConfigurationError, SchemaNotFound, SchemaRegistryUnavailable
from makiserve.records.registry import http as module
from makiserve.records.registry.client import RegisteredSchema, RegistryClient, SchemaReference
from makiserve.records.registry.wire import SchemaId
from tests.unit.records.registry.fake import FakeRegistry, fake_registry

SEVEN = SchemaId(7)


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        yield registry


def test_a_schema_is_returned_with_all_that_it_refers_to(fake: FakeRegistry) -> None:
    fake.answers = {
        "/schemas/ids/7": (200, {"schema": "A", "references": [{"name": "b", "subject": "s/b", "version": 2}]}),
        "/subjects/s%2Fb/versions/2": (
            200,
            {"schema": "B", "references": [{"name": "c", "subject": "c", "version": 1}]},
        ),
        "/subjects/c/versions/1": (200, {"schema": "C"}),
    }
    expected = RegisteredSchema("AVRO", "A", (SchemaReference("c", "C"), SchemaReference("b", "B")))
    assert RegistryClient(fake.url).schema(SEVEN) == expected


def test_a_guid_and_another_format_are_asked_for(fake: FakeRegistry) -> None:
    guid = UUID(int=7)
    fake.answers = {f"/schemas/guids/{guid}": (200, {"schema": "{}", "schemaType": "JSON"})}
    assert RegistryClient(fake.url).schema(SchemaId(guid)) == RegisteredSchema("JSON", "{}")


@pytest.mark.parametrize(
    ("option", "value", "header"),
    [
        ("basic.auth.user.info", "me:a:b", "Basic bWU6YTpi"),
        ("basic.auth.user.info", "me:é", "Basic bWU6w6k="),
        ("bearer.auth.token", "abc", "Bearer abc"),
    ],
)
def test_credentials_are_sent(fake: FakeRegistry, option: str, value: str, header: str) -> None:
    fake.answers = {"/schemas/types": (200, ["AVRO"])}
    RegistryClient(fake.url, {option: value}).check()
    assert fake.requests == [("/schemas/types", header)]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, {"error_code": 40403, "message": "Schema 7 not found"}, SchemaNotFound, "Schema 7 not found"),
        (404, b"<html>no such page", SchemaRegistryUnavailable, "answers 404"),
        (401, b"", ConfigurationError, "check the credentials"),
        (403, {"message": "no"}, ConfigurationError, "answers 403 to GET /schemas/ids/7: no"),
        (429, b"", SchemaRegistryUnavailable, "answers 429"),
        (500, {"error_code": 500}, SchemaRegistryUnavailable, "answers 500"),
        (200, b"<html>", SchemaRegistryUnavailable, "not JSON"),
        (200, b"[" * 100_000, SchemaRegistryUnavailable, "not JSON"),
        (200, {}, SchemaRegistryUnavailable, "returned no schema"),
        (200, {"schema": 7}, SchemaRegistryUnavailable, "returned no schema"),
        (200, ["A"], SchemaRegistryUnavailable, "returned no schema"),
        (200, {"schema": "A", "schemaType": 7}, SchemaRegistryUnavailable, "returned no schema: .*schemaType"),
        (200, {"schema": "A", "references": 7}, SchemaRegistryUnavailable, "returned no schema: .*references"),
        (200, {"schema": "A", "references": ["x"]}, SchemaRegistryUnavailable, "returned no schema: .*references"),
        (
            200,
            {"schema": "A", "references": [{"name": "x", "subject": "y", "version": "z"}]},
            SchemaRegistryUnavailable,
            "returned no schema: .*version",
        ),
        (404, {"error_code": 40403, "message": "a\nb"}, SchemaNotFound, "answers 404 to GET /schemas/ids/7: a b$"),
        (409, {"message": "no"}, SchemaRegistryUnavailable, "answers 409 to GET"),
        (200, b" " * 5_000_000, SchemaRegistryUnavailable, "returned more than 4,194,304 bytes"),
    ],
)
def test_unexpected_answers_are_errors(
    fake: FakeRegistry, status: int, body: object, error: type[Exception], words: str
) -> None:
    fake.answers = {"/schemas/ids/7": (status, body)}
    with pytest.raises(error, match=words):
        RegistryClient(fake.url).schema(SEVEN)


@pytest.mark.parametrize(("header", "seconds"), [("3", 3), ("86400", 60), ("9" * 400, 60), ("tomorrow", None)])
def test_the_time_to_wait_is_taken_from_the_answer(fake: FakeRegistry, header: str, seconds: float | None) -> None:
    fake.headers, fake.answers = {"Retry-After": header}, {"/schemas/ids/7": (429, b"")}
    with pytest.raises(SchemaRegistryUnavailable) as error:
        RegistryClient(fake.url).schema(SEVEN)
    assert error.value.retry_after_s == seconds


def test_an_answer_that_never_ends_is_given_up(fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)
    fake.stalled_s, fake.answers = 0.05, {"/schemas/ids/7": (200, b" " * 100_000)}
    with pytest.raises(SchemaRegistryUnavailable, match=r"within 0\.3 s|does not answer"):
        RegistryClient(fake.url).schema(SEVEN)


def test_a_registry_that_is_down_is_named_in_one_line(fake: FakeRegistry) -> None:
    with pytest.raises(
        SchemaRegistryUnavailable, match=r"^the schema registry at http://127.0.0.1:9 does not answer: "
    ):
        RegistryClient("http://127.0.0.1:9").check()


def test_the_next_address_is_tried(fake: FakeRegistry) -> None:
    fake.answers = {"/schemas/types": (200, ["AVRO"])}
    RegistryClient(f"http://127.0.0.1:9, {fake.url}").check()


def test_another_server_is_not_taken_for_a_registry(fake: FakeRegistry) -> None:
    with pytest.raises(ConfigurationError, match="the address of its Confluent API"):
        RegistryClient(fake.url).check()


def test_endless_references_are_refused(fake: FakeRegistry) -> None:
    for number in range(200):
        reference = {"name": "x", "subject": f"s{number + 1}", "version": 1}
        fake.answers[f"/subjects/s{number}/versions/1"] = (200, {"schema": "A", "references": [reference]})
    fake.answers["/schemas/ids/7"] = fake.answers["/subjects/s0/versions/1"]
    with pytest.raises(SchemaNotFound, match="more than 100 others"):
        RegistryClient(fake.url).schema(SEVEN)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("registry:8081", {}, "expected http://… or https://…"),
        ("http://me:secret@registry", {}, "give the credentials separately"),
        ("http://registry", {"ssl.password": "x"}, "--registry ssl.password: expected one of basic.auth.user.info"),
        ("https://registry", {"ssl.ca.location": "/none"}, "--registry ssl.ca.location=/none: the file does not exist"),
        ("https://registry", {"ssl.certificate.location": "/none"}, "location=/none: the file does not exist"),
        ("https://registry", {"ssl.key.location": __file__}, "needs ssl.certificate.location"),
        (
            "http://registry",
            {"bearer.auth.token": "secret\nline"},
            "token: it has characters that cannot be in an HTTP",
        ),
        ("http://registry", {"basic.auth.user.info": "me:secret\0"}, "info: it has characters that cannot be in an"),
    ],
)
def test_wrong_settings_are_refused(url: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as error:
        RegistryClient(url, options)
    assert "secret" not in str(error.value)
