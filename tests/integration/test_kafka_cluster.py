"""The start-up checks with a real broker, without a broker, and with the embedded one."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from makiserve.errors import BrokerUnavailable, ConfigurationError
from makiserve.kafka import Cluster, Connection, EmbeddedBroker, InputConsumer, TransactionalProducer
from makiserve.kafka.embedded import OPTIONS
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import KafkaDistribution, KafkaServer

Topic = Callable[..., str]

TIMEOUT = timedelta(seconds=10)
BRIEFLY = timedelta(seconds=1)


def cluster(servers: str, **options: str) -> Cluster:
    named = {name.replace("_", "."): value for name, value in options.items()}
    return Cluster(Connection(BrokerSettings(servers, "checks", options=named)))


@pytest.fixture
def unreachable() -> Iterator[str]:
    """An address without a listener."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def test_reachable_broker_passes_the_check(kafka: str, topic: Topic) -> None:
    checks = cluster(kafka)
    assert checks.preflight(TIMEOUT) == "Kafka 4.0 or newer"
    assert checks.partitions(topic(3)) == 3


def test_error_without_a_broker_names_address_and_reason(unreachable: str) -> None:
    with pytest.raises(BrokerUnavailable, match=f"at {unreachable} answered within 1 s .*refused"):
        cluster(unreachable).preflight(BRIEFLY)


def test_unresolvable_address_is_reported() -> None:
    with pytest.raises(BrokerUnavailable, match="resolve"):
        cluster("no-such-host.invalid:9092").preflight(BRIEFLY)


def test_refused_credentials_fail_without_waiting(kafka: str) -> None:
    login = {"sasl_mechanism": "PLAIN", "sasl_username": "me", "sasl_password": "secret"}
    checks = cluster(kafka, security_protocol="SASL_PLAINTEXT", **login)
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        checks.preflight(timedelta(minutes=5))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("no.such.option", "1"), ("compression.type", "none-such")])
def test_wrong_kafka_option_is_a_configuration_error(name: str, value: str) -> None:
    connection = Connection(BrokerSettings("broker:9092", "group", options={name: value}))
    with pytest.raises(ConfigurationError):
        TransactionalProducer(connection)


def test_missing_topic_is_refused_with_the_command_to_create_it(kafka: str) -> None:
    checks = cluster(kafka)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=re.escape(f"--bootstrap-server {kafka} --create --topic absent")):
            checks.partitions("absent")


def test_internal_topic_is_created_once_with_its_settings(kafka: str, topic: Topic, admin: AdminClient) -> None:
    name = topic() + ".state"
    for _ in range(2):
        cluster(kafka).create_if_absent(name, 3, {"cleanup.policy": "compact"})
    assert cluster(kafka).partitions(name) == 3
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    assert admin.describe_configs([resource])[resource].result()["cleanup.policy"].value == "compact"
    admin.delete_topics([name])[name].result()


def test_internal_topic_with_other_partition_count_is_refused(kafka: str, topic: Topic) -> None:
    name = topic(2)
    with pytest.raises(ConfigurationError, match="has 2 partitions but needs 3"):
        cluster(kafka).create_if_absent(name, 3, {})


def test_unknown_topic_setting_is_a_configuration_error(kafka: str, topic: Topic) -> None:
    with pytest.raises(ConfigurationError):
        cluster(kafka).create_if_absent(topic() + ".state", 1, {"no.such.setting": "1"})


READ_OFFSETS = """
import sys
from datetime import timedelta
from functools import partial
from makiserve.kafka import Cluster, Connection, GroupInspector, retry
from makiserve.settings import BrokerSettings
connection = Connection(BrokerSettings(sys.argv[1], "new"))
print(Cluster(connection).committed_topics())
group = partial(GroupInspector(connection, "none").group, 0)
print(retry(group, timedelta(minutes=2)).committed)  # as a service retries while the coordinator is created
"""


def test_committed_offsets_without_a_coordinator_are_read(distribution: KafkaDistribution, tmp_path: Path) -> None:
    """Read them in a separate process: an admin client would end it with SIGSEGV (decision 0175)."""
    with KafkaServer(distribution, tmp_path) as server:
        command = [sys.executable, "-c", READ_OFFSETS, server.bootstrap_servers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "set()\n{}\n"), done.stderr


def test_embedded_broker_delivers_records() -> None:
    broker = EmbeddedBroker()
    assert broker.create_topic("house") == 4
    connection = Connection(BrokerSettings(broker.bootstrap_servers, "group", options=OPTIONS))
    checks = Cluster(connection)
    checks.preflight(TIMEOUT)
    checks.create_if_absent("house", 4, {})
    assert checks.partitions("house") == 4

    producer = TransactionalProducer(connection)
    producer.init(TIMEOUT)
    consumer = InputConsumer(connection, "house")
    consumer.subscribe(lambda numbers: dict.fromkeys(numbers, 0), lambda _: None, lambda _: None)
    for number in range(1000):
        producer.produce("house", number % 4, None, b"%d" % number, None, 0)
    producer.flush(TIMEOUT)
    producer.send_offsets("house", {0: (1, "")}, consumer.group_metadata(), TIMEOUT)
    producer.commit()
    received: list[int] = []
    while len(received) < 1000:
        received += [int(record.value() or b"") for record in consumer.receive(100, BRIEFLY)]
    assert sorted(received) == list(range(1000))
    consumer.close()


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("delete", ("7200000", "5000000")), ("compact,delete", ("7200000", "5000000")), ("compact", ("-1", "-1"))],
)
def test_internal_topic_copies_retention_without_compaction(
    kafka: str, topic: Topic, policy: str, kept: tuple[str, str]
) -> None:
    name = topic(1, cleanup_policy=policy, retention_ms="7200000", retention_bytes="5000000", max_message_bytes="70000")
    settings = cluster(kafka).retention(name)
    names = ("retention.ms", "retention.bytes", "cleanup.policy", "max.message.bytes")
    assert tuple(settings[setting] for setting in names) == (*kept, "delete", "70000")
