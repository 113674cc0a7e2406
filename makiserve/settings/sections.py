"""All options, in sections: model, service, broker, status page, replay, audit, log."""

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
    """Return whether a URI names an alias or the latest version, so that it can point to another model later."""
    return uri is not None and ALIAS.fullmatch(uri) is not None


def names_from(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of an option that is repeated, or has several names separated by commas."""
    return tuple(name for names in given for name in names.split(","))


class OrderedByTime:
    """The order that the option `order_by` of a section describes."""

    order_by: tuple[str, ...]

    @property
    def time(self) -> str | None:
        """The field with the event time; None if the sources are read in their own order."""
        return next(iter(names_from(self.order_by)), None)

    @property
    def tie_by(self) -> tuple[str, ...]:
        """The fields that decide between records of the same time."""
        return names_from(self.order_by)[1:]


class ModelSettings(Section, table=""):
    """The model, or a pipeline without a model."""

    model: str | None = option(
        default=None, help="The model: runs:/…/model, models:/name@alias, models:/name/1 or a path.", metavar="URI"
    )
    features: str | None = option(
        default=None,
        help="The pipeline (MODULE:FUNCTION or FILE.py:FUNCTION) for a model that was packaged without one. Without "
        "--model, the features are the output.",
        metavar="PIPELINE",
    )
    split: str | None = option(
        default=None,
        metavar="URI=SHARE%",
        help="A second model with the same pipeline, and the share of the keys that it scores: "
        "models:/house@challenger=10%. An alias alone refers to the registered model of --model.",
    )
    emit: tuple[str, ...] = option(
        default=(),
        help="The content of an output: prediction, features, record, or single fields such as record.house; "
        "comma-separated or repeated.",
        metavar="PART,…",
    )
    strict_environment: bool = option(
        default=False, help="Refuse a model that was packaged with other versions of Python or of its requirements."
    )


OnStateLoss = Literal["refuse", "rebuild", "start-empty"]
OutputFormat = Literal["json", "avro", "json-schema"]
SubjectStrategy = Literal["topic-name", "record-name", "topic-record-name"]


class ServeSettings(Section, table="serve"):
    """Serve from topic to topic."""

    input: str = option(help="The topic to read.", metavar="TOPIC")
    output: str = option(
        help="The topic for predictions. Each is written to the partition of the record that caused it.",
        metavar="TOPIC",
    )
    dead_letters: str = option(
        derived="{serve.output}.dead-letters",
        help="The topic for records that cannot be scored.",
        metavar="TOPIC",
    )
    start: Literal["earliest", "latest"] = option(
        default="earliest", name="from", help="Where a group that has never committed starts to read."
    )
    commit_interval: timedelta = option(
        default=timedelta(milliseconds=100),
        minimum=timedelta(milliseconds=1),
        help="The time between commits. Outputs become visible at the commit.",
    )
    max_batch: int = option(default=4096, minimum=1, help="The maximum number of records in a batch.")
    on_error: Literal["dead-letter", "stop"] = option(
        default="dead-letter",
        help="What to do with a record that cannot be scored: write a dead letter and continue, or stop before it.",
    )
    on_state_loss: OnStateLoss = option(
        default="refuse",
        help="What to do if the state of a committed offset is missing: refuse to serve, rebuild it from the records "
        "that the topic still has, or continue with empty state.",
    )
    warm_up: str | None = option(
        default=None,
        metavar="DURATION|FILE",
        help="The history to score without output before the first record of a partition that was never committed: a "
        "duration before the start, or a file ({partition} in its name is replaced by the number). A duration also "
        "limits from how far back lost state is rebuilt.",
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="With --warm-up FILE: the text of CSV cells to read as None for an optional field, in addition to empty "
        "cells; repeatable. The default is the list of pandas: NA, N/A, NaN, null, None and others.",
        metavar="TEXT",
    )
    watch: timedelta | None = option(
        default=None,
        minimum=timedelta(milliseconds=100),
        help="How often to check whether an alias (of the model, shadow or challenger) names a different version. The "
        "service switches to that version.",
    )
    shadow: str | None = option(
        default=None,
        metavar="URI",
        help="A second model that predicts from the same features; its predictions go to --shadow-output.",
    )
    shadow_output: str | None = option(
        default=None, metavar="TOPIC", help="The topic for the predictions of the shadow."
    )
    workers: int = option(
        default=1, minimum=1, help="The number of processes that share the partitions. A supervisor restarts them."
    )
    partition_by: str | None = option(
        default=None,
        help="Repartition the records by this field, through an intermediate topic, so that records with the same "
        "value share a partition and their state. Use this if the messages have a different key.",
        metavar="FIELD",
    )

    output_format: OutputFormat = option(
        default="json",
        help="The format of the outputs and of the shadow's predictions. avro and json-schema need --schema-registry: "
        "each output then names a schema, which is derived from what the model and its pipeline emit.",
    )
    subject_strategy: SubjectStrategy = option(
        default="topic-name",
        help="The subject of the schema of the outputs: TOPIC-value, RECORD or TOPIC-RECORD, as named by the "
        "strategies of Confluent's serializers. RECORD is made from the topic: HousePredictions for house.predictions.",
    )
    register_schemas: bool = option(
        default=False,
        help="Register the schema of the outputs if its subject does not have it. Without this option, the service "
        "refuses to start in that case.",
    )

    event_type: str | None = option(
        default=None,
        help="Write each output as a new CloudEvent of this type, in binary mode. By default, outputs of CloudEvents "
        "keep the attributes of their record.",
        metavar="TYPE",
    )

    @property
    def warm_up_span(self) -> timedelta | None:
        """The duration of `warm_up`; None if it is not a duration."""
        try:
            span: timedelta = value_from_text(timedelta, self.warm_up or "")
        except ValueError:
            return None
        return span

    @property
    def warm_up_file(self) -> str | None:
        """The file of `warm_up`; None if it is not a file."""
        return None if self.warm_up_span is not None else self.warm_up


InputFormat = Literal["auto", "json", "avro", "json-schema", "protobuf"]


class BrokerSettings(Section, table="broker"):
    """The broker, the consumer group and the schema registry."""

    bootstrap_servers: str = option(
        help="The addresses of the brokers, separated by commas.",
        metavar="HOST:PORT,…",
        aliases=("KAFKA_BOOTSTRAP_SERVERS",),
    )
    group: str = option(
        derived="makiserve.{serve.output}",
        help="The consumer group, which all instances of a service share.",
        metavar="NAME",
    )
    instance: str = option(
        default="",
        help="A name that this instance keeps across restarts, such as a StatefulSet's pod name. The group waits for "
        "the instance to return before it moves its partitions.",
        metavar="NAME",
    )
    options: Mapping[str, str] = option(
        default={},
        name="kafka",
        help="A librdkafka property, for security and tuning; repeatable. file:/path reads the value from a file.",
        metavar="KEY=VALUE",
    )
    startup_timeout: timedelta = option(
        default=timedelta(seconds=10), help="How long to wait for a broker or schema registry at startup."
    )
    schema_registry: str | None = option(
        default=None,
        help="The schema registry (Confluent's API) of the topics to read. Without one, all messages are plain JSON.",
        metavar="URL",
        aliases=("SCHEMA_REGISTRY_URL",),
    )
    registry_options: Mapping[str, str] = option(
        default={},
        name="registry",
        help="Credentials and TLS of the schema registry, named as in Confluent's clients: basic.auth.user.info, "
        "bearer.auth.token, ssl.ca.location, ssl.certificate.location, ssl.key.location; repeatable. file:/path reads "
        "the value from a file.",
        metavar="KEY=VALUE",
    )
    input_format: InputFormat = option(
        default="auto",
        help="The only format to accept. By default, each message is read in the format of its schema in the registry, "
        "or as plain JSON if it has no schema ID.",
    )


class WebSettings(Section, table="web"):
    """The web server: health, metrics, status page."""

    http: str | None = option(
        default=None,
        help="The address of the status page, /healthz, /readyz and /metrics, or off. The default is 127.0.0.1:8080, "
        "or a free port if that one is taken.",
        metavar="HOST:PORT|off",
    )


TOPIC_PREFIX = "kafka:"
"""The prefix of a source that is a topic, not a file."""


class ReplaySettings(OrderedByTime, Section, table="replay", prefix="REPLAY_"):
    """Replay files or part of a topic, scored as a service would."""

    source: tuple[str, ...] = option(
        flag="--replay",
        help="Instead of serving, score a file (CSV, JSON lines, Parquet, Avro, Protobuf; also gzip, Zstandard), a "
        "folder, a pattern, standard input (-), kafka:TOPIC, delta:PATH[@VERSION] or iceberg:CATALOG.TABLE[@SNAPSHOT]; "
        "repeatable. Each file, table and partition is a separate lane.",
        metavar="FILE|TABLE|kafka:TOPIC",
    )
    output: Path | None = option(
        default=None, help="With --replay: the file for the outputs (.csv, .parquet or .jsonl)."
    )
    start: str = option(
        default="earliest",
        name="from",
        help="With --replay kafka:TOPIC: the first record of each partition to replay: an offset, a time, or 2h for "
        "two hours ago.",
        metavar="POSITION",
    )
    end: str = option(
        default="latest",
        name="to",
        help="With --replay kafka:TOPIC: the first record of each partition not to replay.",
        metavar="POSITION",
    )
    lane_by: str | None = option(
        default=None,
        help="Split the source into one lane per value of this field, for a file with many entities.",
        metavar="FIELD",
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="The text of CSV cells to read as None for an optional field, in addition to empty cells; repeatable. The "
        "default is the list of pandas: NA, N/A, NaN, null, None and others.",
        metavar="TEXT",
    )
    order_by: tuple[str, ...] = option(
        default=(),
        help="The field with the event time, then the fields that decide between records of the same time; "
        "comma-separated or repeated. Tables are sorted by them; files and topics must be in this order.",
        metavar="FIELD,…",
    )
    emit_from: str = option(
        default="0",
        help="The first record with output: an offset, or a time of the field of --order-by. Earlier records are "
        "scored without output.",
        metavar="OFFSET|TIME",
    )
    limit: int | None = option(default=None, minimum=1, help="Stop after this number of records.", metavar="RECORDS")
    sample: float = option(
        default=1.0,
        help="Keep this share of the outputs, such as 0.01 for one in a hundred. The choice is the same each time.",
    )
    trace: str | None = option(
        default=None,
        help="Show the path of one record through the pipeline, with the state before and after. KEY selects the first "
        "record with that key.",
        metavar="OFFSET|SOURCE@OFFSET|KEY",
    )
    label: str | None = option(
        default=None,
        help="With --replay: compare the predictions with this field of the record, and report metrics.",
        metavar="FIELD",
    )
    label_ahead: str = option(
        default="0",
        help="Take the label from a later record of the lane, for a model that predicts ahead: this many records "
        "later, or the first record that is at least this duration later, such as 1h (needs --order-by).",
        metavar="RECORDS|DURATION",
    )
    by: tuple[str, ...] = option(
        default=(), help="Also report the metrics separately for each value of this field; repeatable.", metavar="FIELD"
    )
    require: tuple[str, ...] = option(
        default=(),
        help="Exit with code 1 unless a metric meets this bound, such as rmse<0.5 or dead_letters<1; repeatable.",
        metavar="METRIC<BOUND",
    )
    expect: Path | None = option(
        default=None, help="Compare the outputs with those of an earlier replay. Exit with code 1 if they differ."
    )
    baseline: str | None = option(
        default=None,
        help="Compare the outputs with those of another model. Exit with code 1 if they differ.",
        metavar="URI",
    )
    tolerance: float = option(
        default=1e-9, minimum=0.0, help="The maximum relative difference between compared numbers."
    )
    log: bool = option(
        default=False,
        help="Log metrics, outputs and report to MLflow, in a child run of the run that logged the model.",
    )
    report: Path | None = option(default=None, help="Write a report with plots as a single HTML file.")


class AuditSettings(OrderedByTime, Section, table="audit", prefix="AUDIT_"):
    """Compare the outputs of a service with a replay."""

    input: str = option(derived="{serve.input}", help="The topic that the service reads.", metavar="TOPIC")
    output: str = option(derived="{serve.output}", help="The topic that the service writes to.", metavar="TOPIC")
    dead_letters: str = option(
        derived="{audit.output}.dead-letters", help="The dead-letter topic of the service.", metavar="TOPIC"
    )
    start: str = option(
        default="earliest",
        name="from",
        help="The first record of each partition to compare: an offset, a time, or 2h for two hours ago.",
        metavar="POSITION",
    )
    end: str = option(
        default="latest",
        name="to",
        help="The first record of each partition not to compare. Records after the group's committed offset are never "
        "compared.",
        metavar="POSITION",
    )
    state_from: str = option(
        default="earliest",
        help="The first record that the service read, if that is not the earliest one in the topic.",
        metavar="POSITION",
    )
    tolerance: float = option(
        default=1e-9, minimum=0.0, help="The maximum relative difference between compared numbers."
    )
    against: str | None = option(
        default=None,
        help="Compare with a replay of this lake table instead: a file, a folder, delta:PATH[@VERSION] or "
        "iceberg:CATALOG.TABLE[@SNAPSHOT], as for --replay.",
        metavar="FILE|TABLE",
    )
    match_by: tuple[str, ...] = option(
        default=(),
        help="With --against: the fields that identify a record in the stream and in the lake; comma-separated or "
        "repeated.",
        metavar="FIELD,…",
    )
    lane_by: str | None = option(
        default=None, help="With --against: each value of this field is a lane of the replay.", metavar="FIELD"
    )
    order_by: tuple[str, ...] = option(
        default=(),
        help="With --against: the field with the event time, then the fields that decide between records of the same "
        "time; comma-separated or repeated. A table is sorted by them; a file must be in this order.",
        metavar="FIELD,…",
    )

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that identify a record in the stream and in the lake."""
        return names_from(self.match_by)


class LogSettings(Section, table=""):
    """Logs."""

    log_format: Literal["text", "json"] = option(
        default="text", help="The format of log lines: text for people, json for machines."
    )
