"""Versions that change while state is kept: one that refuses too much goes again, a post pipeline remembers on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import makiserve
from tests.integration.serving.choosy import choose, smoothed
from tests.integration.serving.pipeline import Step, features
from tests.integration.serving.registry import Log, Server, log, log_fitted, outputs_of, replayed, scored
from tests.integration.serving.service import Service, read, send, sources
from tests.integration.serving.test_serving import steps

Topic = Callable[..., str]
WATCH = ["--watch", "200ms", "--http", "off"]


@contextmanager
def feeding(kafka: str, topic: str, values: list[bytes]) -> Iterator[Callable[[], int]]:
    """Sends a hundred records a second, until its result is called: how many they were."""
    sent, done = [0], Event()

    def feed() -> None:
        while not done.wait(0.05):
            send(kafka, topic, values[sent[0] : sent[0] + 5])
            sent[0] += 5

    def end() -> int:
        done.set()
        feeder.join()
        return sent[0]

    feeder = Thread(target=feed)
    feeder.start()
    try:
        yield end
    finally:
        end()


def test_a_version_that_refuses_what_the_one_before_took_goes_again_and_nothing_is_lost(
    kafka: str, topic: Topic, server: Server, tmp_path: Path
) -> None:
    frame = makiserve.features_frame(
        features, record=Step, source=[Step(number, float(number % 7)) for number in range(50)]
    )
    choosy = make_pipeline(FunctionTransformer(choose), LinearRegression()).fit(frame, frame["total"])
    log_fitted(choosy, "running", skops_trusted_types=[f"{choose.__module__}.{choose.__name__}"])
    server.move("1")
    input_, output, values = topic(), topic(), steps(20_000)
    with (
        feeding(kafka, input_, values) as end,
        Service("models:/running@champion", kafka, input_, output, server.uri, WATCH) as service,
    ):
        told = Log(service)
        told.wait("restoring → running")
        read(kafka, output, enough=150)
        server.move("4")
        told.wait("models:/running/4 goes, and models:/running/1 scores again: it refuses")
        read(kafka, output, enough=sum(map(len, read(kafka, output).values())) + 100)
        count = end()
        models = {version: makiserve.load(f"models:/running/{version}") for version in "14"}
        expected = {version: dict(own) for version, (own,) in replayed(models, [values[:count]], tmp_path).items()}
        letters = read(kafka, f"{output}.dead-letters")
        refused = set(sources([message for own in letters.values() for message in own]))
        (found,) = read(kafka, output, enough=count - len(refused)).values()
        assert told.end() == 0

    for message in letters.get(0, []):
        headers = dict(message.headers())
        assert (headers["makiserve.version"], headers["makiserve.reason"]) == (b"4", b"predict")
    assert sources(found) == [offset for offset in range(count) if offset not in refused]
    assert [prediction for _, _, prediction in scored(found)] == [
        expected[version][offset] for offset, version, _ in scored(found)
    ]


def test_what_a_post_pipeline_remembers_is_carried_from_version_to_version(
    kafka: str, topic: Topic, server: Server, tmp_path: Path
) -> None:
    for seed in (1, 2):
        log(seed, "smooth", post=smoothed)
    server.move("1", "smooth")
    input_, output, values = topic(), topic(), steps(20_000)
    with (
        feeding(kafka, input_, values) as end,
        Service("models:/smooth@champion", kafka, input_, output, server.uri, WATCH) as service,
    ):
        told = Log(service)
        told.wait("restoring → running")
        read(kafka, output, enough=20)
        server.move("2", "smooth")
        told.wait("→ models:/smooth/2 at offset")
        outputs_of(kafka, output, "2")
        count = end()
        models = {version: makiserve.load(f"models:/running/{version}") for version in "12"}
        (found,) = read(kafka, output, enough=count).values()
        assert told.end() == 0

    (switch,) = re.findall(r"→ models:/smooth/2 at offset (\d+)", "".join(told.lines))
    plain = replayed(models, [values[:count]], tmp_path)
    smooth, want = 0.0, []
    for (offset, one), (_, two) in zip(plain["1"][0], plain["2"][0], strict=True):
        prediction = one if offset < int(switch) else two
        smooth = 0.5 * smooth + 0.5 * prediction
        want.append((offset, {"prediction": prediction, "smooth": smooth}))
    assert 0 < int(switch) < count
    assert list(zip(sources(found), [json.loads(message.value()) for message in found], strict=True)) == want
