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
