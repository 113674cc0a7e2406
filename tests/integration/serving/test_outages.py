"""Unavailable brokers, and instances that return or run twice: nothing is lost or duplicated, and each is logged."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import KafkaDistribution, KafkaServer, create_topic
from tests.integration.serving.service import Service, read, send, sources, wait_until
from tests.integration.serving.test_serving import steps

Topic = Callable[..., str]
Start = Callable[..., Service]

QUICK = ["--kafka", "session.timeout.ms=6000", "--kafka", "transaction.timeout.ms=4000"]

pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline


@pytest.fixture
def mortal(distribution: KafkaDistribution, tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of the test's own, with the topics `in` and `out`."""
    with KafkaServer(distribution, tmp_path) as server:
        admin = AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0})
        for name in ("in", "out"):
            create_topic(admin, name)
        yield server


def assert_exact(kafka: str, output: str, count: int) -> None:
    """Each of the first `count` records has caused one output, in order."""
    assert sources(read(kafka, output, enough=count)[0]) == list(range(count))


def wait_for_open_transaction(kafka: str, topic: str) -> None:
    """Wait until partition 0 has a record of a transaction that is neither committed nor aborted."""
    with ExitStack() as stack:
        consumers = [
            Consumer({"bootstrap.servers": kafka, "group.id": "ends", "isolation.level": level})
            for level in ("read_uncommitted", "read_committed")
        ]
        for consumer in consumers:
            stack.callback(consumer.close)
        partition = TopicPartition(topic, 0)

        def is_open() -> bool:
            end, stable_end = (consumer.get_watermark_offsets(partition, timeout=10)[1] for consumer in consumers)
            return bool(end > stable_end)

        wait_until(is_open, lambda: f"no transaction is open in {topic}")


def committed(kafka: str, output: str, input_: str) -> int:
    """The first offset that the service commits."""
    group = Consumer({"bootstrap.servers": kafka, "group.id": f"makiserve.{output}"})

    def offset() -> int:
        return int(group.committed([TopicPartition(input_, 0)], timeout=10)[0].offset)

    wait_until(lambda: offset() >= 0, lambda: f"no offset of {input_} is committed")
    first = offset()
    group.close()
    return first


def test_sigterm_without_a_broker_exits_with_the_reason(
    mortal: KafkaServer, tracking_uri: str, running_uri: str
) -> None:
    kafka = mortal.bootstrap_servers
    with Service(running_uri, kafka, "in", "out", tracking_uri, ["--commit-interval", "3s"]) as service:
        send(kafka, "in", steps(10))
        read(kafka, "out", enough=10)
        send(kafka, "in", steps(10))
        wait_for_open_transaction(kafka, "out")
        mortal.kill()
        code, log = service.stop()
    assert code == 4
    assert "makiserve: The broker does not answer: " in log.splitlines()[-1]
    assert "exiting: the next owner will score the records since the last commit" in log
    assert "Traceback" not in log


def test_outage_longer_than_the_transaction_timeout_is_exact(
    mortal: KafkaServer, tracking_uri: str, running_uri: str
) -> None:
    kafka, values = mortal.bootstrap_servers, steps(1500)
    options = [*QUICK, "--commit-interval", "1s"]
    with Service(running_uri, kafka, "in", "out", tracking_uri, options) as service:
        send(kafka, "in", values[:500])
        read(kafka, "out", enough=500)
        send(kafka, "in", values[500:1000])
        wait_for_open_transaction(kafka, "out")
        mortal.kill()
        time.sleep(8)  # longer than the broker keeps the transaction
        mortal.start()
        send(kafka, "in", values[1000:])
        assert_exact(kafka, "out", 1500)
        code, log = service.stop()
    assert code == 0
    assert "restarting from the last committed offset" in log


def test_suspended_service_is_fenced_after_a_takeover(
    kafka: str, topic: Topic, service: Start, running_uri: str
) -> None:
    input_, output, values = topic(1), topic(1), steps(2000)
    sleeper = service(running_uri, input_, output, *QUICK)
    send(kafka, input_, values[:500])
    read(kafka, output, enough=500)
    flow = threading.Thread(target=send, args=(kafka, input_, values[500:1500]), kwargs={"pause": lambda: 0.003})
    flow.start()
    read(kafka, output, enough=600)
    sleeper.process.send_signal(signal.SIGSTOP)
    service(running_uri, input_, output, *QUICK)
    flow.join()
    read(kafka, output, enough=1500)
    sleeper.process.send_signal(signal.SIGCONT)
    send(kafka, input_, values[1500:])
    assert_exact(kafka, output, 2000)
    code, log = sleeper.stop()
    assert code == 0, log


def test_second_instance_of_a_name_replaces_the_first(
    kafka: str, topic: Topic, service: Start, running_uri: str
) -> None:
    input_, output, values = topic(1), topic(1), steps(1000)
    first = service(running_uri, input_, output, "--instance", "pod-0")
    send(kafka, input_, values[:500])
    read(kafka, output, enough=500)
    second = service(running_uri, input_, output, "--instance", "pod-0")
    code, log = first.wait()
    assert code == 4
    assert "Another instance named pod-0 has taken over" in log.splitlines()[-1]
    send(kafka, input_, values[500:])
    assert_exact(kafka, output, 1000)
    assert second.process.code is None


def test_group_started_at_the_end_keeps_its_position(
    kafka: str, topic: Topic, service: Start, running_uri: str
) -> None:
    input_, output, values = topic(1), topic(1), steps(150)
    send(kafka, input_, values[:50])
    options = ["--from", "latest", "--instance", "one"]
    first = service(running_uri, input_, output, *options)
    assert committed(kafka, output, input_) == 50
    first.stop(signal.SIGKILL)
    send(kafka, input_, values[50:])
    service(running_uri, input_, output, *options)
    assert sources(read(kafka, output, enough=100)[0]) == list(range(50, 150))


def test_second_signal_ends_the_service_at_once(kafka: str, topic: Topic, service: Start, running_uri: str) -> None:
    input_, output = topic(1), topic(1)
    running = service(running_uri, input_, output)
    send(kafka, input_, steps(10))
    read(kafka, output, enough=10)
    running.process.send_signal(signal.SIGSTOP)  # both are there when it wakes
    running.process.send_signal(signal.SIGTERM)
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGCONT)
    code, log = running.wait()
    assert code == 130
    assert "Traceback" not in log
