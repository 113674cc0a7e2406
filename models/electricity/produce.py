"""Send a file's readings to a topic, as the meter of a house would.

python -m models.electricity.produce --data house.csv --topic house --bootstrap-servers localhost:9092
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from confluent_kafka import Producer

from makiserve.records import RecordFile, Schema
from models.electricity.features import Reading


def produce(file: Path, topic: str, servers: str, rows_per_s: float) -> int:
    """Send all rows with the key of one meter, so that they are one ordered stream; damaged rows are left out.

    Returns:
        How many were sent.
    """
    schema, producer, sent = Schema(Reading), Producer({"bootstrap.servers": servers}), 0
    began = time.monotonic()
    for block in RecordFile(file, schema):
        for each in block:
            if isinstance(each, Reading):
                producer.produce(topic, schema.encode_json(each), key=b"meter-1")
                producer.poll(0)
                sent += 1
                time.sleep(max(0.0, began + sent / rows_per_s - time.monotonic()))
    producer.flush()
    return sent


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.electricity.produce", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, default=Path("house.csv"), help="the file to send")
    parser.add_argument("--topic", default="house", help="where to")
    servers = os.environ.get("MAKISERVE_BOOTSTRAP_SERVERS", "localhost:9092")
    parser.add_argument("--bootstrap-servers", default=servers, help=f"of Kafka [{servers}]")
    parser.add_argument("--rows-per-s", type=float, default=100, help="at most")
    options = parser.parse_args()
    sent = produce(options.data, options.topic, options.bootstrap_servers, options.rows_per_s)
    print(f"{options.topic}: {sent:,} readings sent")


if __name__ == "__main__":
    main()
