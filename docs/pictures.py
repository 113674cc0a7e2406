"""Take the pictures of docs/images from a real run: `make pictures`.

The demo's model serves flights at a rate that rises and falls for two minutes, with some damaged records. Its status
page and the report of the same flights are photographed in Chromium.
"""

from __future__ import annotations

import io
import math
import time
from pathlib import Path

import msgspec
from confluent_kafka import Producer
from PIL import Image

import makiserve
from examples.broker import broker
from examples.demo import LABEL, MODEL, encoded, prepare
from examples.service import Service
from models.flight_delay.features import Flight
from models.flight_delay.train import train
from tests.browser import chromium, look

IMAGES = Path(__file__).parent / "images"
READY_S = 600  # a busy machine takes its time; the picture is the same
SECONDS = 120
RATE_PER_S, WAVE_S = 60.0, 45.0
DAMAGED_EVERY = 1900
TOPIC, OUTPUT = "flights", "flights.delays"
OWN_TOPICS = ("flights.delays.dead-letters", "makiserve.flights.delays.state")
TALL_STATUS_PX, TALL_REPORT_PX = 1080, 1240


def main() -> None:
    """Train, serve, replay, and write the pictures."""
    past, live = prepare()
    train(past, name="flight_delay", alias="champion")
    IMAGES.mkdir(exist_ok=True)
    with (
        broker(TOPIC, OUTPUT, own=OWN_TOPICS) as kafka,
        Service(MODEL, kafka, TOPIC, OUTPUT) as service,
    ):
        service.wait_until_ready(READY_S)
        send(encoded(live, Flight), kafka.servers, service)
        photograph(service.status_page, "status-page", TALL_STATUS_PX)
        service.stop()
    replayed = makiserve.replay(MODEL, live, label=LABEL, by=["carrier"], report=True)
    assert replayed.report  # noqa: S101  asked for
    report = live.with_name("report.html")
    report.write_text(replayed.report.html())
    photograph(report, "report", TALL_REPORT_PX)


def send(values: list[bytes], servers: str, service: Service) -> None:
    """Send values, keyed by their airport, at a rate that follows a wave; some of them are damaged."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5})
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < SECONDS:
        wave = WAVE_S / math.tau * (1 - math.cos(passed / WAVE_S * math.tau)) / 2
        due = min(len(values), int(RATE_PER_S * (passed + wave)))
        for number, value in enumerate(values[sent:due], sent):
            is_damaged = number % DAMAGED_EVERY == DAMAGED_EVERY - 1
            producer.produce(TOPIC, value[:40] if is_damaged else value, key=msgspec.json.decode(value)["origin"])
        sent = due
        producer.poll(0)
        service.read()
    producer.flush()


def photograph(place: str | Path, name: str, height: int) -> None:
    """Write what a browser shows of a page, from its top to a height, as a PNG of 256 colours."""
    with chromium() as browser, look(browser, place) as seen:
        seen.page.set_viewport_size({"width": 1280, "height": height})
        seen.page.wait_for_load_state("networkidle" if isinstance(place, Path) else "load")
        seen.page.locator("svg").first.wait_for()
        shot = Image.open(io.BytesIO(seen.page.screenshot()))
    shot.convert("RGB").quantize(256).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
