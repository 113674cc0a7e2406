"""The report in a browser: it has its plots, makes no request, and does not execute text from the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.offline.differences import differences
from makiserve.offline.metrics.observed import Observed
from makiserve.offline.metrics.quality import evidence, measure
from makiserve.offline.metrics.requirements import requirement_from_text, verdicts
from makiserve.offline.report import Measured, Report
from makiserve.offline.report.binned import moments
from makiserve.offline.sampled import Example
from makiserve.scoring.drift import Drift, profile_from
from tests.browser import look
from tests.browser.page import DESK, PHONE

EVIL = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">"
REGRESSION = ["prediction and actual over time", "against actual", "distribution of the errors", "errors over time"]
START = 1_451_606_400


def observed(predictions: Any, labels: Any) -> Observed:
    count, rng = len(labels), np.random.default_rng(3)
    return Observed(
        lane=np.full(count, "house.csv", object),
        position=np.arange(count),
        time=START + 60 * np.arange(count),
        prediction=predictions,
        label=labels,
        last=np.append(np.array([None]), labels[:-1].astype(object)),
        by={"town": rng.choice(np.array(["Oslo", "São Paulo", EVIL], object), count)},
    )


def regression(count: int) -> tuple[Observed, ModelTask]:
    rng = np.random.default_rng(1)
    labels = 10 + 5 * np.sin(np.arange(count) / 500) + rng.gamma(2, 2, count)
    return observed(labels + rng.normal(0, 1, count), labels), ModelTask("regression")


def classification(count: int) -> tuple[Observed, ModelTask]:
    rng = np.random.default_rng(1)
    yes = rng.random(count)
    return observed(np.column_stack([1 - yes, yes]), rng.random(count) < yes), ModelTask(
        "classification", (False, True)
    )


def report(seen: Observed, task: ModelTask, requirement: str) -> Report:
    metrics, rng = measure(seen, task), np.random.default_rng(2)
    features = {EVIL: rng.normal(0, 1, 500).tolist(), "town": [EVIL, "Oslo"] * 50, "gone": [None] * 10}
    training = profile_from({EVIL: rng.normal(1, 1, 500).tolist(), "town": ["Oslo"] * 50})
    then = pd.DataFrame({"source": "house.csv", "offset": range(100), "prediction": rng.normal(0, 1, 100)})
    return Report(
        title=f"house {EVIL}",
        subtitle=EVIL,
        facts={"model": EVIL},
        records=len(seen.label) + 3,
        outputs=len(seen.label),
        measured=Measured(metrics, evidence(seen, task), moments(seen, seen.labelled, "time"), f"power {EVIL}"),
        features=features,
        training={column.name: column for column in training.columns},
        drift={column.name: column for column in Drift(training).report()},
        reasons={"decode": 2, EVIL: 1},
        examples=[Example(EVIL, 17, "decode", EVIL, EVIL)],
        verdicts=verdicts([requirement_from_text(requirement)], metrics.figures),
        differences=differences(then, then.assign(prediction=lambda frame: frame.prediction * 1.01), against=EVIL),
    )


@pytest.mark.parametrize(
    ("made", "count", "requirement", "plots"),
    [
        (regression, 300_000, "rmse<0.5", REGRESSION),
        (regression, 40, "rmse<2", REGRESSION),
        (classification, 5_000, "auc>0.9", ["accuracy over time", "confusion", "by class", "receiver", "calibration"]),
    ],
)
def test_report_is_a_self_contained_page(
    browser: Browser,
    tmp_path: Path,
    made: Callable[[int], tuple[Observed, ModelTask]],
    count: int,
    requirement: str,
    plots: list[str],
) -> None:
    path = tmp_path / "report.html"
    path.write_text(report(*made(count), requirement).html(), encoding="utf-8")
    assert path.stat().st_size < 1_000_000
    views: list[tuple[int, Literal["light", "dark"]]] = [(DESK, "light"), (PHONE, "dark")]
    for width, scheme in views:
        with look(browser, path, width=width, scheme=scheme) as seen:
            page = seen.page
            assert not seen.complaints
            assert seen.requests == [path.as_uri()]
            assert seen.overflow == 0
            assert page.title() == f"house {EVIL}"  # as it was given: nothing of it has run
            for plot in [*plots, "by town", "distribution of town", "dead letters by reason", "differences of"]:
                shown = page.locator(f'svg[aria-label*="{plot}"]:visible')
                assert shown.count() == 1, plot
                assert shown.locator("path, rect, circle").count() > 0, plot
            assert page.locator("text=NaN").count() == 0
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (min(map(int, colour[4:-1].split(","))) > 128) == (scheme == "light")


def test_report_without_labels_shows_features_and_dead_letters(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    empty = Report("house", "house.csv", {}, 10, 9, features={"power": [1.0, 2.0]}, reasons={"decode": 1})
    path.write_text(empty.html(), encoding="utf-8")
    with look(browser, path) as seen:
        assert not seen.complaints
        assert seen.page.locator("h2").all_inner_texts() == ["Features", "Dead letters", "What was run on what"]
        assert seen.page.locator(".verdict").count() == 0
