"""Sessions and idle groups on a real broker: they end by event time, and live on in a restarted service."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import makiserve
from makiserve.artifact import features_only
from makiserve.records import Schema
from tests.integration.serving.service import Service, read, send, sources
from tests.integration.serving.visits import MODELS, Visit, visits


@pytest.mark.parametrize("name", MODELS)
def test_event_time_windows_equal_the_replay_across_a_restart(
    kafka: str, topic: Callable[..., str], service: Callable[..., Service], name: str
) -> None:
    pipeline, schema = f"tests.integration.serving.visits:{name}", Schema(Visit)
    input_, output = topic(2), topic(2)
    lanes = [visits(f"p{partition}", seed=partition) for partition in range(2)]
    values = [[schema.encode_json(visit) for visit in lane] for lane in lanes]
    expected = [makiserve.replay(features_only(pipeline), lane).outputs for lane in lanes]
    for lane, outputs in zip(lanes, expected, strict=True):
        summaries = [(item["user"], item["visits"], item["total"]) for _, item in outputs]
        assert sorted(summaries) == sorted(MODELS[name](lane))
        assert len(summaries) > 20

    half = 40
    first = service(pipeline, input_, output)
    for partition, messages in enumerate(values):
        send(kafka, input_, messages[:half], partition=partition)
    early = sum(offset < half for outputs in expected for offset, _ in outputs)
    read(kafka, output, enough=early)
    assert first.stop()[0] == 0
    second = service(pipeline, input_, output)
    for partition, messages in enumerate(values):
        send(kafka, input_, messages[half:], partition=partition)
    served = read(kafka, output, enough=sum(map(len, expected)))
    assert second.stop()[0] == 0
    for partition, outputs in enumerate(expected):
        written = [(offset, json.loads(message.value())) for offset, message in zip(
            sources(served[partition]), served[partition], strict=True
        )]  # fmt: skip
        assert written == outputs
