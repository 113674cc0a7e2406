"""What to replay."""

from pathlib import Path

from makiserve.settings.section import Section, option

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
