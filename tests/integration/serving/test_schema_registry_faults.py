"""A schema registry that refuses, answers nonsense or does not answer, and one behind TLS and credentials."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema

import makiserve
from makiserve.artifact import features_only
from makiserve.errors import ConfigurationError, SchemaRegistryUnavailable
from makiserve.kafka import check_registry
from makiserve.offline.sources import TopicSpan
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import RegistryServer
from tests.integration.serving.gateway import FAULTS, gateway
from tests.integration.serving.pipeline import Step
from tests.integration.serving.service import Service, read, wait_until
from tests.integration.serving.test_schema_registry import FIRST, PIPELINE, Writer
from tests.integration.serving.test_schema_registry import _clients_are_closed as _clients_are_closed
from tests.kafka.security import Authority

pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline

CREDENTIALS = "reader:correct-horse"


def test_records_of_an_unknown_schema_wait_while_the_registry_fails(
    kafka: str, topic: Callable[..., str], service: Callable[..., Service], registry: RegistryServer
) -> None:
    source, output = topic(2), topic(2)
    writer = Writer(kafka, source, registry)
    (known,) = writer.write(FIRST, [{"number": 0, "value": 0.0}], partition=0)
    with gateway(registry) as between:
        running = service(PIPELINE, source, output, "--schema-registry", between.url)
        read(kafka, output, enough=1)
        for number, fault in enumerate(FAULTS, start=1):
            between.fail(fault)
            schema = json.loads(FIRST) | {"doc": f"{source} {fault}"}
            id_ = writer.client.register_schema(f"{source}-{number}", Schema(json.dumps(schema), "AVRO"))
            writer.send([b"\0" + id_.to_bytes(4, "big") + known[5:]], partition=1)
            wait_until(lambda: between.refused > 0, lambda: f"{between.fault}: no request")
            writer.send([known], partition=0)
            outputs = read(kafka, output, enough=2 * number)
            assert {part: len(messages) for part, messages in outputs.items()} == {0: number + 1, 1: number - 1}, fault
            between.heal()
            assert len(read(kafka, output, enough=2 * number + 1)[1]) == number, fault
        code, log = running.stop()
    assert (code, "Traceback" in log) == (0, False), log
    dead = read(kafka, f"{output}.dead-letters")
    assert not any(dead.values())


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("401", 2, "answers 401 to GET /schemas/types: check the credentials, --registry basic.auth.user.info="),
        ("429", 4, "answers 429 to GET /schemas/types"),
        ("a page", 4, "answers 200 to GET /schemas/types: the body is not JSON"),
    ],
)
def test_registry_that_refuses_at_the_start_ends_with_one_line(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    registry: RegistryServer,
    fault: str,
    code: int,
    words: str,
) -> None:
    with gateway(registry) as between:
        between.fail(fault)
        options = ("--schema-registry", between.url, "--startup-timeout", "100ms")
        exit_code, log = service(PIPELINE, topic(1), topic(1), *options).wait()
    assert exit_code == code, log
    (line,) = (line for line in log.splitlines() if words in line)
    assert line.startswith("makiserve: the schema registry at ")
    assert "check " in line
    assert "Traceback" not in log


def test_topic_is_replayed_with_tls_and_a_password(
    kafka: str,
    topic: Callable[..., str],
    registry: RegistryServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = topic(1)
    writer = Writer(kafka, source, registry)
    writer.write(FIRST, [{"number": 0, "value": 1.5}])
    authority = Authority(tmp_path)
    server, client = authority.issue("registry"), authority.issue("reader")
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))  # the option is more specific
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    tls.load_cert_chain(server)
    tls.verify_mode = ssl.CERT_REQUIRED
    options = {
        "basic.auth.user.info": CREDENTIALS,
        "ssl.ca.location": str(authority.certificate),
        "ssl.certificate.location": str(client),
    }
    with gateway(registry, CREDENTIALS, tls) as between:
        span = TopicSpan(source, kafka, schema_registry=between.url, registry_options=options)
        replayed = makiserve.replay(features_only(PIPELINE), span)
        assert replayed.outputs == makiserve.replay(features_only(PIPELINE), [Step(0, 1.5)]).outputs

        def refusal(error: type[Exception], **changed: str | None) -> str:
            changed = {name.replace("_", "."): value for name, value in changed.items()}
            given = {name: value for name, value in {**options, **changed}.items() if value is not None}
            settings = BrokerSettings(
                kafka,
                "g",
                schema_registry=between.url,
                registry_options=given,
                startup_timeout=timedelta(milliseconds=100),
            )
            with pytest.raises(error) as raised:
                check_registry(settings)
            return str(raised.value)

        assert "check the credentials" in refusal(ConfigurationError, basic_auth_user_info="reader:wrong")
        for changed in ({"ssl_ca_location": str(other.certificate)}, {"ssl_certificate_location": None}):
            message = refusal(SchemaRegistryUnavailable, **changed)
            assert "does not answer: " in message
            assert "\n" not in message
            assert CREDENTIALS not in message
