"""Version switches with state: a rollback, and a post pipeline that keeps its state."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import makiserve
from tests.integration.serving.choosy import choose, smoothed
from tests.integration.serving.pipeline import REFERENCE, Step, features
from tests.integration.serving.registry import Server, feeding, log, log_fitted, outputs_of, replayed, scored, watching
from tests.integration.serving.service import read, sources
from tests.integration.serving.test_serving import steps

Topic = Callable[..., str]


def test_version_that_rejects_more_records_is_rolled_back(
    kafka: str, topic: Topic, server: Server, tmp_path: Path
) -> None:
    frame = makiserve.features_frame(REFERENCE, features=features, record=Step)
    choosy = make_pipeline(FunctionTransformer(choose), LinearRegression()).fit(frame, frame["total"])
    log_fitted(choosy, "running", skops_trusted_types=[f"{choose.__module__}.{choose.__name__}"])
    server.move("1")
    input_, output = topic(), topic()
    with (
        feeding(kafka, input_, [steps(20_000)]) as end,
        watching("running", kafka, input_, output, server) as service_log,
    ):
        read(kafka, output, enough=150)
        server.move("4")
        service_log.wait("rolled back from models:/running/4 to models:/running/1: it rejected")
        read(kafka, output, enough=sum(map(len, read(kafka, output).values())) + 100)
        (values,) = end()
        models = {version: makiserve.load(f"models:/running/{version}") for version in "14"}
        expected = {
            version: dict(predictions) for version, (predictions,) in replayed(models, [values], tmp_path).items()
        }
        dead_letters = read(kafka, f"{output}.dead-letters")
        refused = set(sources([message for messages in dead_letters.values() for message in messages]))
        (outputs,) = read(kafka, output, enough=len(values) - len(refused)).values()
        assert service_log.end() == 0

    for message in dead_letters.get(0, []):
        headers = dict(message.headers())
        assert (headers["makiserve.version"], headers["makiserve.reason"]) == (b"4", b"predict")
    assert sources(outputs) == [offset for offset in range(len(values)) if offset not in refused]
    assert [prediction for _, _, prediction in scored(outputs)] == [
        expected[version][offset] for offset, version, _ in scored(outputs)
    ]


def test_post_state_survives_a_version_switch(kafka: str, topic: Topic, server: Server, tmp_path: Path) -> None:
    for seed in (1, 2):
        log(seed, "smooth", post=smoothed)
    server.move("1", "smooth")
    input_, output = topic(), topic()
    with (
        feeding(kafka, input_, [steps(20_000)]) as end,
        watching("smooth", kafka, input_, output, server) as service_log,
    ):
        read(kafka, output, enough=20)
        server.move("2", "smooth")
        service_log.wait("→ models:/smooth/2 at offset")
        outputs_of(kafka, output, "2")
        (values,) = end()
        models = {version: makiserve.load(f"models:/running/{version}") for version in "12"}
        (outputs,) = read(kafka, output, enough=len(values)).values()
        assert service_log.end() == 0

    (switch,) = re.findall(r"→ models:/smooth/2 at offset (\d+)", "\n".join(service_log.lines))
    plain = replayed(models, [values], tmp_path)
    smooth, want = 0.0, []
    for (offset, of_1), (_, of_2) in zip(plain["1"][0], plain["2"][0], strict=True):
        prediction = of_1 if offset < int(switch) else of_2
        smooth = 0.5 * smooth + 0.5 * prediction
        want.append((offset, {"prediction": prediction, "smooth": smooth}))
    assert 0 < int(switch) < len(values)
    assert list(zip(sources(outputs), [json.loads(message.value()) for message in outputs], strict=True)) == want
