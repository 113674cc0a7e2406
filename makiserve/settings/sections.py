"""Every option, one section for each topic: model, service, broker, replay, audit, status page, log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from makiserve.settings.section import Section, option
from makiserve.settings.text import value_from_text

ALIAS = re.compile(r"models:/[^/@]+(@.+|/latest)")


def is_alias(uri: str | None) -> bool:
    """Return whether a URI names an alias or the latest version, and so may name another model later."""
    return uri is not None and ALIAS.fullmatch(uri) is not None


class ModelSettings(Section, table=""):
    """The model, or the pipeline alone."""

    model: str | None = option(
        default=None, help="runs:/…/model, models:/name@alias, models:/name/1 or a path.", metavar="URI"
    )
    features: str | None = option(
        default=None,
        help="The pipeline, MODULE:FUNCTION or FILE.py:FUNCTION, of a model that was packaged without one; without a "
        "model its features are the output.",
        metavar="PIPELINE",
    )
    split: str | None = option(
        default=None,
        metavar="URI=SHARE%",
        help="A second model, of the same pipeline, that scores a share of the keys: models:/house@challenger=10%; an "
        "alias alone is one of the same registered model.",
    )
    emit: tuple[str, ...] = option(
        default=(),
        help="What an output holds: prediction, features, record, or fields of them such as record.house; several with "
        "commas, or repeated.",
        metavar="PART,…",
    )
    strict_environment: bool = option(
        default=False, help="Refuse a model that was packaged with other versions of Python or of what it requires."
    )


OnStateLoss = Literal["refuse", "rebuild", "start-empty"]


class ServeSettings(Section, table="serve"):
    """Serve, from topic to topic."""

    input: str = option(help="The topic that is read.", metavar="TOPIC")
    output: str = option(
        help="The topic that predictions go to, each to the partition of the record that caused it.", metavar="TOPIC"
    )
    dead_letters: str = option(
        derived="{serve.output}.dead-letters",
        help="The topic of the records that cannot be scored.",
        metavar="TOPIC",
    )
    start: Literal["earliest", "latest"] = option(
        default="earliest", name="from", help="Where a group begins that has never committed."
    )
    commit_interval: timedelta = option(
        default=timedelta(milliseconds=100),
        least=timedelta(milliseconds=1),
        help="How long an output may wait to become visible: exactly-once output appears at the commit.",
    )
    max_batch: int = option(default=4096, least=1, help="The most records that are scored together.")
    on_error: Literal["dead-letter", "stop"] = option(
        default="dead-letter",
        help="What to do with a record that cannot be scored: put it aside and go on, or stop before it.",
    )
    on_state_loss: OnStateLoss = option(
        default="refuse",
        help="What to do where the state that belongs to a committed offset is lost: refuse to serve, rebuild it from "
        "the records that are still there, or go on without a past.",
    )
    warm_up: str | None = option(
        default=None,
        metavar="DURATION|FILE",
        help="The past of a partition that was never committed, scored in silence before its first record: how much of "
        "the topic before the start, or a file ({partition} in its name stands for the number). As a duration it is "
        "also what a rebuilt state is made of.",
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="With --warm-up FILE: the cells of a CSV file that are None for an optional field, in addition to empty "
        "ones; repeatable. Without it those of pandas: NA, N/A, NaN, null, None and others.",
        metavar="TEXT",
    )
    watch: timedelta | None = option(
        default=None,
        least=timedelta(milliseconds=100),
        help="How often the registry is asked whether an alias names another version, the model's, the shadow's or the "
        "challenger's, to serve that.",
    )
    shadow: str | None = option(
        default=None,
        metavar="URI",
        help="A model that is given the same features, and whose predictions go to a topic of their own.",
    )
    shadow_output: str | None = option(
        default=None, metavar="TOPIC", help="The topic that the shadow's predictions go to."
    )
    workers: int = option(
        default=1, least=1, help="How many processes share the partitions, under a supervisor that restarts them."
    )
    partition_by: str | None = option(
        default=None,
        help="A field of the record that its messages are not keyed by: records with the same value share a partition, "
        "and so their state, by way of a topic between.",
        metavar="FIELD",
    )

    @property
    def warm_up_span(self) -> timedelta | None:
        """How much of the topic is scored in silence; None where that is not asked for."""
        try:
            span: timedelta = value_from_text(timedelta, self.warm_up or "")
        except ValueError:
            return None
        return span

    @property
    def warm_up_file(self) -> str | None:
        """The file that is; None where that is not asked for."""
        return None if self.warm_up_span is not None else self.warm_up


InputFormat = Literal["auto", "json", "avro", "json-schema", "protobuf"]


class BrokerSettings(Section, table="broker"):
    """The broker, the group on it, and the schema registry of its topics."""

    bootstrap_servers: str = option(
        help="Where the brokers listen, several separated by commas.",
        metavar="HOST:PORT,…",
        aliases=("KAFKA_BOOTSTRAP_SERVERS",),
    )
    group: str = option(
        derived="makiserve.{serve.output}",
        help="The consumer group; instances of one service share it.",
        metavar="NAME",
    )
    instance: str = option(
        default="",
        help="A name that this instance keeps over restarts (a StatefulSet's pod name): the group waits for it to come "
        "back before it moves its partitions.",
        metavar="NAME",
    )
    options: Mapping[str, str] = option(
        default={},
        name="kafka",
        help="A librdkafka property, for security and tuning; repeatable. file:/path stands for what is in the file.",
        metavar="KEY=VALUE",
    )
    patience: timedelta = option(
        default=timedelta(seconds=10),
        help="How long to wait, at the start, for a broker or a schema registry that does not answer.",
    )
    schema_registry: str | None = option(
        default=None,
        help="The schema registry of the topics that are read, which speaks Confluent's API. Without it all messages "
        "are plain JSON.",
        metavar="URL",
        aliases=("SCHEMA_REGISTRY_URL",),
    )
    registry_options: Mapping[str, str] = option(
        default={},
        name="registry",
        help="Credentials and TLS of the schema registry, named as in Confluent's clients: basic.auth.user.info, "
        "bearer.auth.token, ssl.ca.location, ssl.certificate.location, ssl.key.location; repeatable. file:/path stands "
        "for what is in the file.",
        metavar="KEY=VALUE",
    )
    input_format: InputFormat = option(
        default="auto",
        help="The only format that messages may have. By default each message is read in the format that its schema "
        "has in the registry, or as plain JSON if it names no schema.",
    )


class WebSettings(Section, table="web"):
    """Web pages: health, metrics, status."""

    http: str | None = option(
        default=None,
        help="Where the status page, /healthz, /readyz and /metrics are, or off; unless given it is 127.0.0.1:8080, or "
        "any free port where that is taken.",
        metavar="HOST:PORT|off",
    )


TOPIC_PREFIX = "kafka:"
"""What a source begins with that is a topic and no file."""


class ReplaySettings(Section, table="replay", prefix="REPLAY_"):
    """Replay files or a span of a topic, as a service would score them."""

    source: tuple[str, ...] = option(
        flag="--replay",
        help="Instead of serving, score this file (CSV, JSON lines, Parquet, gzip, Zstandard), folder or pattern, - "
        "for standard input, or kafka:TOPIC; repeatable. Each file and each partition is a lane.",
        metavar="FILE|kafka:TOPIC",
    )
    output: Path | None = option(
        default=None, help="With --replay: the file for the outputs, .csv, .parquet or .jsonl."
    )
    start: str = option(
        default="earliest",
        name="from",
        help="With --replay kafka:TOPIC: where each partition begins, an offset, a time, or 2h for two hours ago.",
        metavar="PLACE",
    )
    end: str = option(
        default="latest", name="to", help="Likewise, the first record that is not replayed.", metavar="PLACE"
    )
    lane_by: str | None = option(
        default=None, help="Each value of this field is a lane: many entities in one file.", metavar="FIELD"
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="The cells of CSV files that are None for an optional field, in addition to empty ones; repeatable. "
        "Without it those of pandas: NA, N/A, NaN, null, None and others.",
        metavar="TEXT",
    )
    start_at: int = option(
        default=0,
        least=0,
        help="Show nothing before this offset; what comes before passes in silence.",
        metavar="OFFSET",
    )
    limit: int | None = option(default=None, least=1, help="Stop after so many records.", metavar="RECORDS")
    sample: float = option(
        default=1.0, help="Show this part of the outputs, 0.01 for one in a hundred, the same ones each time."
    )
    trace: str | None = option(
        default=None,
        help="Show the way of one record through the pipeline, with the state before and after; of a key the first.",
        metavar="OFFSET|SOURCE@OFFSET|KEY",
    )
    label: str | None = option(
        default=None, help="With --replay: measure the predictions against this field of the record.", metavar="FIELD"
    )
    label_shift: int = option(
        default=0,
        least=0,
        help="The label is that of the record so many later in the lane: for what is predicted ahead.",
        metavar="RECORDS",
    )
    by: tuple[str, ...] = option(
        default=(), help="Measure the groups of this field of the record apart; repeatable.", metavar="FIELD"
    )
    require: tuple[str, ...] = option(
        default=(),
        help="What a metric must be, such as rmse<0.5 or dead_letters<1; repeatable. Else the exit code is 1.",
        metavar="METRIC<BOUND",
    )
    expect: Path | None = option(
        default=None, help="Compare the outputs with those of an earlier replay. The exit code is 1 where they differ."
    )
    baseline: str | None = option(
        default=None, help="Compare the outputs with those of another model, likewise.", metavar="URI"
    )
    tolerance: float = option(
        default=1e-9, least=0.0, help="By how much compared numbers may differ, as a part of the larger one."
    )
    log: bool = option(
        default=False, help="Log metrics, outputs and report to MLflow, in a child of the run that logged the model."
    )
    report: Path | None = option(default=None, help="Write a page of plots that needs nothing else, as HTML.")


class AuditSettings(Section, table="audit", prefix="AUDIT_"):
    """Audit what a service has written, against a replay."""

    input: str = option(derived="{serve.input}", help="The topic that the service reads.", metavar="TOPIC")
    output: str = option(derived="{serve.output}", help="The topic that it writes to.", metavar="TOPIC")
    dead_letters: str = option(
        derived="{audit.output}.dead-letters", help="Its topic of dead letters.", metavar="TOPIC"
    )
    start: str = option(
        default="earliest",
        name="from",
        help="The first record of each partition that is compared: an offset, a time, or 2h for two hours ago.",
        metavar="PLACE",
    )
    end: str = option(
        default="latest",
        name="to",
        help="The first record that is no more compared; at the latest what the group has not committed.",
        metavar="PLACE",
    )
    state_from: str = option(
        default="earliest",
        help="Where the service's state began, if that was later than the earliest record that is there.",
        metavar="PLACE",
    )
    tolerance: float = option(
        default=1e-9, least=0.0, help="By how much numbers may differ, as a part of the larger one."
    )


class LogSettings(Section, table=""):
    """Logs."""

    log_format: Literal["text", "json"] = option(default="text", help="Lines for people, or JSON for machines.")
