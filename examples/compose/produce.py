"""Send the rows of a house's file as JSON messages: produce.py BOOTSTRAP_SERVERS TOPIC FILE [ROWS_PER_SECOND]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from confluent_kafka import Producer

from makiserve.schema import RecordFile, Schema
from models.electricity.features import Reading


def main(servers: str, topic: str, file: str, rows_per_s: str = "100") -> None:
    """Send all rows with the key of one meter, so that they are one ordered stream."""
    schema, producer, sent = Schema(Reading), Producer({"bootstrap.servers": servers}), 0
    for block in RecordFile(Path(file), schema):
        for each in block:
            if isinstance(each, Reading):  # else it is the error of a damaged row
                producer.produce(topic, schema.encode_json(each), key=b"meter-1")
                producer.poll(1 / float(rows_per_s))
                sent += 1
    producer.flush()
    print(f"{topic}: {sent:,} readings sent at {time.strftime('%H:%M:%S')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
