"""Send a file of readings to a topic, as the meter of a house would.

python -m models.electricity.produce --data house.csv --topic house --bootstrap-servers localhost:9092
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from makiserve.records import RecordFile, Schema
from models.electricity.features import Reading
from models.producer import Message, run_producer


def messages(file: Path) -> Iterator[Message]:
    """Yield each reading as JSON, without damaged rows. All have the key of one meter, so their order is kept."""
    schema = Schema(Reading)
    for block in RecordFile(file, schema):
        for item in block:
            if isinstance(item, Reading):
                yield Message(b"meter-1", schema.encode_json(item))


def main() -> None:
    """Run the command."""
    run_producer(
        "models.electricity.produce",
        __doc__,
        messages,
        data=Path("house.csv"),
        topic="house",
        rows_per_s=100,
    )


if __name__ == "__main__":
    main()
