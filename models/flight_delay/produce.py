"""Send the events of a file to a topic, as an airport would.

python -m models.flight_delay.produce --data live.csv --topic flights --bootstrap-servers localhost:9092
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import msgspec
from confluent_kafka import Producer
from pyarrow import csv


def produce(file: Path, topic: str, servers: str, rows_per_s: float) -> int:
    """Send each row as JSON, with the destination as its key, and return how many were sent."""
    producer, sent, began = Producer({"bootstrap.servers": servers}), 0, time.monotonic()
    with csv.open_csv(file, convert_options=csv.ConvertOptions(strings_can_be_null=True)) as batches:
        for batch in batches:
            for event in batch.to_pylist():
                producer.produce(topic, msgspec.json.encode(event), key=event["dest"])
                producer.poll(0)
                sent += 1
                time.sleep(max(0.0, began + sent / rows_per_s - time.monotonic()))
    producer.flush()
    return sent


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.flight_delay.produce", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, default=Path("live.csv"), help="the file to send [live.csv]")
    parser.add_argument("--topic", default="flights", help="where to send it [flights]")
    servers = os.environ.get("MAKISERVE_BOOTSTRAP_SERVERS", "localhost:9092")
    parser.add_argument("--bootstrap-servers", default=servers, help=f"of Kafka [{servers}]")
    parser.add_argument("--rows-per-s", type=float, default=1000, help="maximum rate [1000]")
    options = parser.parse_args()
    sent = produce(options.data, options.topic, options.bootstrap_servers, options.rows_per_s)
    print(f"{options.topic}: {sent:,} events sent")


if __name__ == "__main__":
    main()
