"""The documents about metrics are true: the reference, the dashboard, the alerts, the how-to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from docs import metrics as reference
from makiserve.monitoring.board import Board
from makiserve.monitoring.metrics import METRICS
from makiserve.monitoring.prometheus import exposition
from makiserve.monitoring.snapshot import ShownDrift, StateSize
from tests.unit.monitoring.example import snapshot

ROOT = Path(__file__).resolve().parents[3]
FROM_PROMETHEUS = {"instance", "job", "le"}


def exported() -> dict[str, set[str]]:
    """The names of the samples, each with its labels."""
    board = Board()
    board.post("worker", snapshot(state=(StateSize("group_by", 3, 40),), drift=(ShownDrift("pressure", 0.2, 100),)))
    families = text_string_to_metric_families(exposition(board).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def alerts() -> list[dict[str, Any]]:
    content = yaml.safe_load((ROOT / "examples" / "prometheus" / "alerts.yml").read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((ROOT / "examples" / "grafana" / "makiserve.json").read_text())["panels"]
    return listed


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_metrics_page_equals_the_declared_metrics() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run `make docs`"


def test_queried_metrics_and_labels_are_exported() -> None:
    known, asked = exported(), list(queries())
    assert len(asked) > 25
    for query in asked:
        names = set(re.findall(r"\b(makiserve_\w+)", query))
        assert names - known.keys() == set(), query
        labels = set(re.findall(r"(\w+)=~?\"", query))
        labels |= {
            label.strip() for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for label in group.split(",")
        }
        assert labels - FROM_PROMETHEUS <= set().union(*(known[name] for name in names)), query


def labels_of(query: str) -> set[str]:
    """The labels that the answer to a query may have."""
    grouped = re.findall(r"\bby \(([^)]*)\)", query)
    if grouped:
        return {label.strip() for group in grouped for label in group.split(",")}
    whole = re.search(r"^(?:max|sum)\(", query)
    names = re.findall(r"\b(makiserve_\w+)", query)
    return set() if whole else FROM_PROMETHEUS | set().union(*(exported()[name] for name in names))


def test_legends_and_summaries_use_existing_labels() -> None:
    named = [(t["expr"], t.get("legendFormat", "")) for panel in panels() for t in panel["targets"]]
    named += [(rule["expr"], rule["annotations"]["summary"].replace("$labels.", "")) for rule in alerts()]
    asked = [(query, set(re.findall(r"{{ ?(\w+) ?}}", text))) for query, text in named]
    assert sum(bool(labels) for _, labels in asked) > 15
    assert [(query, labels) for query, labels in asked if labels - labels_of(query)] == []


def test_dashboard_variables_query_exported_metrics() -> None:
    variables = json.loads((ROOT / "examples" / "grafana" / "makiserve.json").read_text())["templating"]["list"]
    texts = [variable["query"]["query"] for variable in variables if variable["type"] == "query"]
    asked = [re.fullmatch(r"label_values\((\w+), (\w+)\)", text) for text in texts]
    assert asked
    for match in asked:
        assert match
        assert match[2] in exported()[match[1]] | FROM_PROMETHEUS


def test_alerts_use_the_scraped_job() -> None:
    scraped = yaml.safe_load((ROOT / "examples" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    asked = {job for rule in alerts() for job in re.findall(r'job="(\w+)"', rule["expr"])}
    assert asked == {scrape_config["job_name"] for scrape_config in scraped}


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    for metric in METRICS:
        if metric.name not in ("makiserve_start_time_seconds", "makiserve_committed_offset"):
            assert metric.name in shown, metric.name


def test_panels_do_not_overlap_and_have_descriptions() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        taken |= cells


def test_how_to_covers_every_alert() -> None:
    described = re.findall(
        r"^\| (Makiserve\w+) \|", (ROOT / "docs" / "how-to" / "observe.md").read_text(), re.MULTILINE
    )
    assert described == [rule["alert"] for rule in alerts()]


def test_the_links_of_the_how_to_lead_somewhere() -> None:
    page = ROOT / "docs" / "how-to" / "observe.md"
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert len(links) >= 3
    assert [link for link in links if not (page.parent / link).exists()] == []
