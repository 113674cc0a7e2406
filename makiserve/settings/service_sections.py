"""The options of a service, in sections: model, topics, broker, status page, log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from makiserve.settings.section import Section, option
from makiserve.settings.text import value_from_text

ALIAS = re.compile(r"models:/[^/@]+(@.+|/latest)")


def is_alias(uri: str | None) -> bool:
    """Return whether a URI names an alias or the latest version, so that it can point to another model later."""
    return uri is not None and ALIAS.fullmatch(uri) is not None


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
    max_batch: int = option(default=16_384, minimum=1, help="The maximum number of records in a batch.")
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
        help="The text of CSV cells, in a file to replay or of --warm-up, to read as None for an optional field, in "
        "addition to empty cells; repeatable. The default is the list of pandas: NA, N/A, NaN, null, None and others.",
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


class LogSettings(Section, table=""):
    """Logs."""

    log_format: Literal["text", "json"] = option(
        default="text", help="The format of log lines: text for people, json for machines."
    )
