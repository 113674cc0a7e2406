"""The options of replays and audits."""

from __future__ import annotations

from pathlib import Path

from makiserve.settings.section import Section, option


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
        help="With --replay kafka:TOPIC: where to stop in each partition, before the record at this position.",
        metavar="POSITION",
    )
    lane_by: str | None = option(
        default=None,
        help="Split the source into one lane per value of this field, for a file with many entities.",
        metavar="FIELD",
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="The text of CSV cells, in a file to replay or of --warm-up, to read as None for an optional field, in "
        "addition to empty cells; repeatable. The default is the list of pandas: NA, N/A, NaN, null, None and others.",
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
