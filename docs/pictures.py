"""Make the screenshots in docs/images from a real run: `make pictures`.

The demo's model serves flights for some minutes at a rate that rises and falls, some of them damaged. Chromium takes
screenshots of the status page meanwhile, and of the report on the same flights.
"""

from __future__ import annotations

import io
import math
import time
from concurrent.futures import ThreadPoolExecutor
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
READY_S = 600  # generous, for busy machines
SECONDS, PICTURE_AFTER_S = 150, 120
RATE_PER_S, WAVE_S = 60.0, 45.0
DAMAGED_EVERY = 1900
TOPIC, OUTPUT = "flights", "flights.delays"
SERVICE_TOPICS = ("flights.delays.dead-letters", "makiserve.flights.delays.state")
STATUS_HEIGHT_PX, REPORT_HEIGHT_PX = 1080, 1240


def main() -> None:
    """Train, serve, replay, and write the screenshots."""
    history, live = prepare()
    train(history, name="flight_delay", alias="champion")
    IMAGES.mkdir(exist_ok=True)
    with (
        broker(TOPIC, OUTPUT, service_topics=SERVICE_TOPICS) as kafka,
        Service(MODEL, kafka, TOPIC, OUTPUT) as service,
    ):
        service.wait_until_ready(READY_S)
        with ThreadPoolExecutor(1) as beside:
            sent = beside.submit(send, encoded(live, Flight), kafka.servers, service)
            time.sleep(PICTURE_AFTER_S)
            screenshot(service.status_page, "status-page", STATUS_HEIGHT_PX)
            sent.result()
        service.stop()
    replayed = makiserve.replay(MODEL, live, label=LABEL, by=["carrier"], report=True)
    assert replayed.report  # noqa: S101  asked for
    report = live.with_name("report.html")
    report.write_text(replayed.report.html())
    screenshot(report, "report", REPORT_HEIGHT_PX)


def send(values: list[bytes], servers: str, service: Service) -> None:
    """Send values keyed by airport, at a rate that follows a sine wave. Some of them are damaged."""
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


def screenshot(page: str | Path, name: str, height: int) -> None:
    """Write the top of a page, as a browser shows it, as a PNG with 256 colours."""
    with chromium() as browser, look(browser, page) as seen:
        seen.page.set_viewport_size({"width": 1280, "height": height})
        seen.page.wait_for_load_state("networkidle" if isinstance(page, Path) else "load")
        seen.page.locator("svg").first.wait_for()
        image = Image.open(io.BytesIO(seen.page.screenshot()))
    image.convert("RGB").quantize(256).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
