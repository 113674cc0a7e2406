"""What to replay."""

from pathlib import Path

from makiserve.settings.section import Section, option


class ReplaySettings(Section, table="replay", prefix="REPLAY_"):
    """Replay a file, as a service would score it."""

    source: Path = option(flag="--replay", help="Score this CSV or JSON lines file instead of a topic.")
    output: Path | None = option(default=None, help="With --replay: the CSV file for the predictions.")
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
    report: Path | None = option(default=None, help="Write a page of plots that needs nothing else, as HTML.")
