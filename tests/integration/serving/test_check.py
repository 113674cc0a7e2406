"""`makiserve check` on a real broker: its results, and that it changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.artifact.packaged import features_only
from makiserve.errors import ModelRefused
from makiserve.serving.preflight import CHECKS, CheckResult, run
from makiserve.serving.preflight.runner import ServiceFacts
from makiserve.settings import BrokerSettings, ServeSettings

Topic = Callable[..., str]
GROUPED = "tests.integration.serving.grouped:features"


def check(
    kafka: str, model: PackagedModel | FeaturesOnly, input_: str, output: str, **options: Any
) -> dict[str, CheckResult]:
    settings = ServeSettings(input_, output, f"{output}.dead", **options)
    broker = BrokerSettings(kafka, f"group-of-{output}", startup_timeout=timedelta(seconds=30))
    return {line.name: line for line in run(CHECKS, ServiceFacts(lambda: model, broker, settings))}


def produce(kafka: str, topic: str, *records: tuple[int, bytes | None, bytes], timestamp_ms: int | None = None) -> None:
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for partition, key, value in records:
        producer.produce(topic, value, key, partition, timestamp=timestamp_ms or int(time.time() * 1000))
    assert producer.flush(30) == 0


def house(name: str) -> bytes:
    return json.dumps({"number": 1, "house name": name, "value": 2}).encode()


def test_check_passes_and_changes_nothing(kafka: str, topic: Topic, admin: AdminClient, running: PackagedModel) -> None:
    source, output = topic(2), topic(2)
    produce(kafka, source, (0, b"k", b'{"number": 1, "value": 2}'))
    lines = check(kafka, running, source, output)
    bad = {name: line for name, line in lines.items() if line.outcome in ("failed", "skipped")}
    assert bad == {}
    assert lines["broker"].words == f"{kafka} answers, Kafka 4.0 or newer"
    assert lines["model"].words.endswith("reproduces its 32 reference outputs")
    assert lines["records"].words == "1 of the last 1 records fit Step"
    assert lines["offsets"].words == "2 to start"
    assert lines["output"].advice == "one replica: a failure of its broker loses the topic"
    assert {f"{output}.dead", f"group-of-{output}.state"} & admin.list_topics(timeout=10).topics.keys() == set()


def test_failed_check_skips_the_checks_that_need_it(kafka: str, topic: Topic, running: PackagedModel) -> None:
    def refuse() -> PackagedModel:
        raise ModelRefused("it is damaged")

    settings = ServeSettings(topic(1), "none-such", "dead")
    facts = ServiceFacts(refuse, BrokerSettings(kafka, "group-x"), settings)
    results = {result.name: result for result in run(CHECKS, facts)}
    assert results["model"] == CheckResult("failed", "model", "it is damaged", exit_code=3)
    assert results["records"] == CheckResult("skipped", "records", "needs model")
    assert results["output"].words.startswith("topic none-such does not exist")
    assert results["output"].exit_code == 2
    assert results["clock"].outcome == "passed"


def test_check_reports_records_that_do_not_fit(kafka: str, topic: Topic, running: PackagedModel) -> None:
    source, output = topic(1), topic(1)
    produce(kafka, source, (0, b"k", b'{"number": "x"}'))
    lines = check(kafka, running, source, output)
    assert lines["records"].words.startswith(
        "none of the last 1 records fits Step; the last error: field 'number': expected int"
    )
    produce(kafka, source, (0, b"k", b'{"number": 1, "value": 2}'))
    line = check(kafka, running, source, output)["records"]
    assert (line.outcome, line.words) == ("warned", "1 of the last 2 records fit Step")
    assert line.advice.startswith("1 would become dead letters; the last error: field 'number'")


def test_check_reports_groups_spread_over_partitions(kafka: str, topic: Topic) -> None:
    model, source, output = features_only(GROUPED), topic(2), topic(2)
    produce(kafka, source, (0, b"a", house("a")), (1, b"b", house("b")))
    assert check(kafka, model, source, output)["keys"].words == "2 groups in the last records, each in one partition"
    produce(kafka, source, (0, None, house("a")))
    assert check(kafka, model, source, output)["keys"].advice.startswith(
        "the messages of group 'a' do not all have the same key"
    )
    produce(kafka, source, (1, b"a", house("a")))
    line = check(kafka, model, source, output)["keys"]
    assert line.outcome == "failed"
    assert line.words.startswith("group 'a' has records in partitions [0, 1]")


@pytest.mark.parametrize(
    ("age", "config", "options", "name", "outcome", "words"),
    [
        (timedelta(minutes=-30), {}, {}, "clock", "warned", "in the future: correct the clock"),
        (timedelta(hours=3), {"retention_ms": "3600000"}, {}, "retention", "warned", "removed before it is read"),
        (timedelta(0), {"retention_ms": "60000"}, {"warm_up": "2h"}, "retention", "failed", "--warm-up needs 2h"),
        (timedelta(0), {"cleanup_policy": "compact"}, {}, "input", "warned", "the topic is compacted"),
    ],
)
def test_check_compares_clocks_and_retention(
    kafka: str, topic: Topic, running: PackagedModel, age: timedelta, config: dict[str, str], options: dict[str, str],
    name: str, outcome: str, words: str,
) -> None:  # fmt: skip
    source, output = topic(1, **config), topic(1)
    then = int((time.time() - age.total_seconds()) * 1000)
    produce(kafka, source, (0, b"k", b'{"number": 1, "value": 2}'), timestamp_ms=then)
    line = check(kafka, running, source, output, **options)[name]
    assert line.outcome == outcome
    assert words in line.words + line.advice


def test_check_refuses_topics_with_other_partition_counts(kafka: str, topic: Topic, running: PackagedModel) -> None:
    wide, narrow = topic(2), topic(1)
    lines = check(kafka, running, wide, narrow)
    assert lines["output"].words == f"{narrow} has 1 partitions but needs 2"
