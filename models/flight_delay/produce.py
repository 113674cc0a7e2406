"""Send a file of events to a topic, as an airport would.

python -m models.flight_delay.produce --data live.csv --topic flights --bootstrap-servers localhost:9092
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from pyarrow import csv

from models.producer import Message, run_producer


def messages(file: Path) -> Iterator[Message]:
    """Yield each row as JSON, keyed by its destination."""
    with csv.open_csv(file, convert_options=csv.ConvertOptions(strings_can_be_null=True)) as batches:
        for batch in batches:
            for event in batch.to_pylist():
                yield Message(event["dest"].encode(), msgspec.json.encode(event))


def main() -> None:
    """Run the command."""
    run_producer(
        "models.flight_delay.produce",
        __doc__,
        messages,
        data=Path("live.csv"),
        topic="flights",
        rows_per_s=1000,
    )


if __name__ == "__main__":
    main()
