"""TLS, SASL, client certificates, tokens and ACLs on a real broker."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from makiserve.artifact import PackagedModel
from makiserve.errors import BrokerUnavailable, ConfigurationError
from makiserve.kafka import Cluster, Connection, OffsetsClient, TransactionalProducer
from makiserve.serving import serve
from makiserve.serving.preflight import CHECKS, run
from makiserve.serving.preflight.runner import ServiceFacts
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.testing.broker import KafkaDistribution, KafkaServer, create_topic
from makiserve.testing.broker.kafka import free_ports
from tests.integration.serving.service import ROOT, Service, predictions, read, send
from tests.kafka.security import PASSWORD, Authority, Issuer, Locks, token_endpoint

WITHIN = timedelta(seconds=60)
WRONG = "not-the-password-7391"
PAGES = ("/", "/status.json", "/metrics", "/healthz", "/readyz")
ROW = re.compile(r"^\| ([A-Z_]+) \| ([A-Za-z._-]+) \| (LITERAL|PREFIXED) \| ([A-Z_]+) \|", re.MULTILINE)


class Right(NamedTuple):
    """A row of the table in docs/reference/security.md."""

    resource: str
    name: str
    pattern: str
    operation: str

    def binding(self, principal: str, names: dict[str, str]) -> AclBinding:
        name = re.sub(r"[A-Z_]+", lambda match: names[match[0]], self.name)
        resource, pattern = ResourceType[self.resource], ResourcePatternType[self.pattern]
        operation = AclOperation[self.operation]
        return AclBinding(resource, name, pattern, principal, "*", operation, AclPermissionType.ALLOW)


def page(url: str) -> str:
    try:
        with urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except HTTPError as error:  # not ready, in words
        return error.read().decode()


RIGHTS = [Right(*row) for row in ROW.findall((ROOT / "docs/reference/security.md").read_text())]


class Secured(NamedTuple):
    """A broker with locks.

    Attributes:
        plain: where the super user comes in.
        admin: the super user.
        client: the options of each way in, by name.
    """

    plain: str
    admin: AdminClient
    locks: Locks
    client: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def secured(distribution: KafkaDistribution, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secrets = tmp_path_factory.mktemp("secrets")
    authority, issuer = Authority(secrets), Issuer()
    locks = Locks(secrets, authority, issuer)
    server = KafkaServer(distribution, tmp_path_factory.mktemp("kafka"), more=locks.settings)
    with ExitStack() as stack:
        endpoint = stack.enter_context(token_endpoint(issuer, "house", PASSWORD))
        stack.callback(server.kill)
        server.start(locks.jvm)
        admin = AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0})
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion("house", scram, PASSWORD.encode())
        admin.alter_user_scram_credentials([user])["house"].result()
        trusted = {"ssl.ca.location": str(authority.certificate)}
        sasl = trusted | {"security.protocol": "SASL_SSL"}
        named = sasl | {"sasl.username": "house", "sasl.password": PASSWORD}
        certificate = str(authority.issue("house"))
        client = {
            "PLAIN": named | {"sasl.mechanism": "PLAIN"},
            "SCRAM-SHA-512": named | {"sasl.mechanism": "SCRAM-SHA-512"},
            "OAUTHBEARER": sasl
            | {
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": endpoint,
                "sasl.oauthbearer.client.id": "house",
                "sasl.oauthbearer.client.secret": PASSWORD,
            },
            "certificate": trusted
            | {"security.protocol": "SSL", "ssl.certificate.location": certificate, "ssl.key.location": certificate},
        }
        yield Secured(server.bootstrap_servers, admin, locks, client)


@pytest.fixture
def broker(secured: Secured, request: pytest.FixtureRequest) -> Callable[..., BrokerSettings]:
    """`broker("PLAIN", …)`: how to come in that way, with these changes."""

    def settings(way: str, changes: dict[str, str] | None = None) -> BrokerSettings:
        address = secured.locks.mutual if way == "certificate" else secured.locks.sasl
        group = re.sub(r"\W", "-", request.node.name)
        return BrokerSettings(address, group, options=secured.client[way] | (changes or {}), startup_timeout=WITHIN)

    return settings


@pytest.fixture
def topics(secured: Secured, request: pytest.FixtureRequest) -> dict[str, str]:
    """Topics for a service, by their names in the documentation."""
    base = re.sub(r"\W", "-", request.node.name)
    names = {"INPUT": base, "OUTPUT": f"{base}.out", "DEAD_LETTERS": f"{base}.out.dead-letters", "GROUP": base}
    for name in ("INPUT", "OUTPUT", "DEAD_LETTERS"):
        create_topic(secured.admin, names[name], 1)
    create_topic(secured.admin, f"{base}.state", 1, cleanup_policy="compact")
    return names


@pytest.fixture
def grant(secured: Secured) -> Iterator[Callable[..., None]]:
    """`grant(principal, rights, names)`; all are taken back after the test."""

    def grant_rights(principal: str, rights: list[Right], names: dict[str, str]) -> None:
        for future in secured.admin.create_acls([right.binding(principal, names) for right in rights]).values():
            future.result()

    yield grant_rights
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    secured.admin.delete_acls([everything])[everything].result()


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER", "certificate"])
def test_documented_client_settings_connect(
    secured: Secured,
    broker: Callable[..., BrokerSettings],
    topics: dict[str, str],
    grant: Callable[..., None],
    way: str,
) -> None:
    grant("User:CN=house" if way == "certificate" else "User:house", RIGHTS, topics)
    connection = Connection(broker(way))
    Cluster(connection).preflight(WITHIN)
    producer, lookup = TransactionalProducer(connection), OffsetsClient(connection, topics["INPUT"])
    producer.init(WITHIN)
    producer.produce(topics["OUTPUT"], 0, b"key", b"value", None, 1)
    producer.flush(WITHIN)
    producer.commit(WITHIN)
    assert lookup.watermarks(0, WITHIN).high == 0
    lookup.close()
    assert [message.value() for message in read(secured.plain, topics["OUTPUT"], enough=1)[0]] == [b"value"]


@pytest.mark.parametrize(
    ("way", "changes"),
    [
        ("PLAIN", {"sasl.password": WRONG}),
        ("SCRAM-SHA-512", {"sasl.password": WRONG}),
        ("OAUTHBEARER", {"sasl.oauthbearer.client.secret": WRONG}),
    ],
)
def test_wrong_secret_is_refused_and_not_shown(
    broker: Callable[..., BrokerSettings], caplog: pytest.LogCaptureFixture, way: str, changes: dict[str, str]
) -> None:
    caplog.set_level("DEBUG")
    settings = broker(way, changes | {"debug": "security,broker"})
    with pytest.raises(
        ConfigurationError, match=r"check security\.protocol, sasl\.mechanism and the credentials"
    ) as it:
        Cluster(Connection(settings)).preflight(WITHIN)
    assert WRONG not in f"{it.value!r} {it.value.__cause__!r} {settings!r} {caplog.text}"


def test_client_without_a_certificate_is_refused(broker: Callable[..., BrokerSettings]) -> None:
    without_certificate = {"ssl.certificate.location": "", "ssl.key.location": ""}
    # In TLS 1.3 the refusal follows the handshake as a broken connection, without an error code.
    with pytest.raises(BrokerUnavailable, match="bad certificate"):
        Cluster(Connection(broker("certificate", without_certificate))).preflight(timedelta(seconds=3))


def test_broker_with_a_certificate_of_another_ca_is_refused(
    broker: Callable[..., BrokerSettings], tmp_path: Path
) -> None:
    other = {"ssl.ca.location": str(Authority(tmp_path).certificate)}
    with pytest.raises(ConfigurationError, match=r"check the ssl\.\* options and certificates"):
        Cluster(Connection(broker("SCRAM-SHA-512", other))).preflight(WITHIN)


READ_STATE = next(right for right in RIGHTS if right.name == "GROUP.state" and right.operation == "READ")
NEEDED_AT_ONCE = [right for right in RIGHTS if right != READ_STATE]


@pytest.mark.parametrize("missing", NEEDED_AT_ONCE, ids=lambda right: f"{right.operation} on {right.name}")
def test_error_names_the_missing_permission(
    broker: Callable[..., BrokerSettings],
    topics: dict[str, str],
    grant: Callable[..., None],
    running: PackagedModel,
    secured: Secured,
    missing: Right,
) -> None:
    grant("User:house", [right for right in RIGHTS if right != missing], topics)
    send(secured.plain, topics["INPUT"], [b'{"number": 1, "value": 1}', b"damaged"])
    settings = ServeSettings(topics["INPUT"], topics["OUTPUT"], topics["DEAD_LETTERS"])
    with pytest.raises(ConfigurationError) as refusal:
        serve(running, broker("SCRAM-SHA-512"), settings)
    binding = missing.binding("User:house", topics)
    assert f"{missing.operation.title()} on" in str(refusal.value)
    # Of a transaction that may not hold a topic Kafka does not say which: the state's is the only one seen before.
    name = "the state topic" if missing.name == "GROUP.state" else binding.name.rstrip("-")
    assert name in str(refusal.value)


@pytest.mark.parametrize("place", ["file", "environment"])
def test_documented_permissions_suffice_and_no_secret_is_shown(
    place: str,
    broker: Callable[..., BrokerSettings],
    topics: dict[str, str],
    grant: Callable[..., None],
    running: PackagedModel,
    running_uri: str,
    tracking_uri: str,
    secured: Secured,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    grant("User:house", RIGHTS, topics)
    kafka = dict(secured.client["SCRAM-SHA-512"])
    if place == "file":
        (tmp_path / "password").write_text(PASSWORD + "\n")
        kafka["sasl.password"] = f"file:{tmp_path}/password"
    else:
        monkeypatch.setenv("MAKISERVE_KAFKA_SASL_PASSWORD", kafka.pop("sasl.password"))
    options = [part for pair in kafka.items() for part in ("--kafka", "=".join(pair))]
    address = f"127.0.0.1:{free_ports(1)[0]}"
    options += ["--group", topics["GROUP"], "--http", address]
    service = Service(running_uri, secured.locks.sasl, topics["INPUT"], topics["OUTPUT"], tracking_uri, options)
    with service:
        send(secured.plain, topics["INPUT"], [b'{"number": %d, "value": 1}' % number for number in range(5)] + [b"x"])
        assert len(predictions(read(secured.plain, topics["OUTPUT"], enough=5)[0])) == 5
        assert len(read(secured.plain, topics["DEAD_LETTERS"], enough=1)[0]) == 1
        pages = {path: page(f"http://{address}{path}") for path in PAGES}
        code, log = service.stop(signal.SIGTERM)
    assert code == 0
    assert "drained" in log
    assert PASSWORD not in log + "".join(capfd.readouterr())  # standard output is the test's
    assert all(pages.values())
    assert topics["OUTPUT"] in pages["/status.json"]
    assert {path for path, text in pages.items() if PASSWORD in text} == set()
    gone = AclBindingFilter(
        ResourceType.TOPIC,
        READ_STATE.binding("User:house", topics).name,
        ResourcePatternType.LITERAL,
        "User:house",
        None,
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    assert secured.admin.delete_acls([gone])[gone].result()
    settings = ServeSettings(topics["INPUT"], topics["OUTPUT"], topics["DEAD_LETTERS"])
    with pytest.raises(ConfigurationError, match="both on the state topic"):
        serve(running, broker("SCRAM-SHA-512"), settings)


def test_wrong_password_ends_the_service_with_one_line(
    topics: dict[str, str], running_uri: str, tracking_uri: str, secured: Secured
) -> None:
    kafka = secured.client["SCRAM-SHA-512"] | {"sasl.password": WRONG}
    options = [part for pair in kafka.items() for part in ("--kafka", "=".join(pair))]
    with Service(running_uri, secured.locks.sasl, topics["INPUT"], topics["OUTPUT"], tracking_uri, options) as service:
        code, log = service.wait()
    assert code == ConfigurationError.exit_code
    errors = [line for line in log.splitlines() if line.startswith("makiserve: ")]
    assert len(errors) == 1
    assert "SCRAM-SHA-512" in errors[0]
    assert "check security.protocol, sasl.mechanism and the credentials" in errors[0]
    assert WRONG not in log


@pytest.mark.parametrize("missing", [None, *RIGHTS], ids=lambda right: right and f"{right.operation} on {right.name}")
def test_check_finds_the_missing_permission(
    broker: Callable[..., BrokerSettings],
    topics: dict[str, str],
    grant: Callable[..., None],
    running: PackagedModel,
    missing: Right | None,
) -> None:
    grant("User:house", [right for right in RIGHTS if right != missing], topics)
    settings = ServeSettings(topics["INPUT"], topics["OUTPUT"], topics["DEAD_LETTERS"])
    lines = list(run(CHECKS, ServiceFacts(lambda: running, broker("SCRAM-SHA-512"), settings)))
    failures = {line.name: line.words + line.advice for line in lines if line.outcome in ("failed", "warned")}
    for name in ("environment", "output", "dead letters", "state topic"):  # of a cluster of one broker
        if missing is None or f"{missing.operation.title()} on" not in failures.get(name, ""):
            failures.pop(name, None)
    assert len(failures) == (missing is not None), failures
    assert missing is None or f"{missing.operation.title()} on" in next(iter(failures.values()))
