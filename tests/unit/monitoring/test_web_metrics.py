"""/metrics, by Prometheus' own parser and the rules of its naming."""

from __future__ import annotations

import re

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from makiserve.monitoring.board import Board
from makiserve.monitoring.metrics import METRICS
from makiserve.monitoring.prometheus import exposition
from makiserve.monitoring.snapshot import ShownDrift, StateSize
from tests.unit.monitoring.example import SERVICE, lane, snapshot

UNITS = ("seconds", "bytes", "ratio", "records", "info", "offset", "partitions", "keys", "psi")


def text(**other: object) -> str:
    board = Board()
    board.post(
        "worker", snapshot(state=(StateSize("group_by", 3, 40),), drift=(ShownDrift("pressure", 0.2, 100),), **other)
    )
    return exposition(board).decode()


def samples(of: str) -> dict[tuple[str, ...], float]:
    """Name and values of the labels of each sample."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(of)
        for sample in family.samples
    }


def test_prometheus_reads_every_declared_metric() -> None:
    families = {family.name: family for family in text_string_to_metric_families(text())}
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert family.samples, f"{metric.name} has no sample"


def test_names_units_and_labels_follow_the_rules() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"makiserve_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.kind == "counter" or metric.name.endswith(UNITS), metric.name
        assert metric.help.endswith("."), metric.name
        assert not {"le", "quantile", "job", "instance"} & set(metric.labels)
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_values_are_those_of_the_snapshot() -> None:
    exported = samples(text())
    assert exported["makiserve_records_total",] == 100
    assert exported["makiserve_dead_letters_total", "decode"] == 2
    assert exported["makiserve_lag_records", "1", "house"] == 10
    assert exported["makiserve_state_keys", "group_by"] == 3
    assert exported["makiserve_drift_psi", "pressure"] == 0.2
    assert exported["makiserve_partitions", "running"] == 2
    assert exported["makiserve_partitions", "restoring"] == 0
    assert exported["makiserve_batch_records_bucket", "64.0"] == 1
    assert exported["makiserve_batch_records_bucket", "+Inf"] == exported["makiserve_batch_records_count",] == 2
    assert exported["makiserve_batch_records_sum",] == 100
    assert 0 <= exported["makiserve_loop_age_seconds", "worker"] < 60


def test_a_lag_that_is_not_known_is_not_exported() -> None:
    exported = samples(text(lanes=(lane(0, end=None, lag_records=None),)))
    assert not [name for name, *_ in exported if name == "makiserve_lag_records"]


def test_label_with_quotes_and_newlines_is_escaped() -> None:
    nasty = 'a"b\\c\nmakiserve_records_total 7'
    families = list(text_string_to_metric_families(text(served=msgspec.structs.replace(SERVICE, name=nasty))))
    assert families[0].samples[0].labels["model"] == nasty
    assert [family.samples[0].value for family in families if family.name == "makiserve_records"] == [100]


def test_nothing_is_exported_before_the_first_snapshot() -> None:
    assert exposition(Board()) == b""
