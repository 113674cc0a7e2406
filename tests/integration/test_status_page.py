"""The status page in a browser, with snapshots instead of a service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from makiserve.monitoring import Address, Board, WebServer
from makiserve.monitoring.histogram import LATENCY_S, STAGE_S
from makiserve.monitoring.snapshot import PipelineStep, ShownDeadLetter, ShownDrift, ShownPrediction, StateSize
from tests.browser import look
from tests.browser.page import DESK, PHONE
from tests.unit.monitoring.example import SERVICE, filled, lane, life, snapshot

NASTY = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
ROLL = "roll(window=360, stride=60)"
STEPS = (
    PipelineStep("map", "map"),
    PipelineStep(
        ROLL,
        ROLL,
        slots=2,
        is_sliced=True,
        branches=(
            (PipelineStep("last", f"{ROLL} > last", 1),),
            (PipelineStep("stddev(reduce=True)", f"{ROLL} > stddev", 1),),
        ),
    ),
)
FULL: dict[str, Any] = {
    "served": msgspec.structs.replace(
        SERVICE, pipelines=(("features", STEPS),), companions=(("Challenger", "house version 4, 10% of the keys"),)
    ),
    "lanes": (lane(0), lane(1, "restoring", restored=0.25), lane(2, end=None, lag_records=None)),
    "stages": {"decode": filled(STAGE_S, 0.002), "predict": filled(STAGE_S, 0.004)},
    "state": (StateSize(ROLL, 0, 8120),),
    "predictions": (
        ShownPrediction(0, 41, 1_700_000_000_000, "house-1", '{"prediction":0.75}'),
        ShownPrediction(1, 7, 1_700_000_000_500, "k", "2"),
    ),
    "dead_letters": (ShownDeadLetter(1, 40, 1_700_000_000_000, "decode", "time: expected int"),),
    "drift": (ShownDrift("pressure", 0.03, 500), ShownDrift("temperature", 0.31, 500)),
}


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def url(board: Board) -> Iterator[str]:
    with WebServer(board, Address("127.0.0.1", 0, is_default=False)) as server:
        yield server.url


def ten_minutes(board: Board, **other: Any) -> None:
    """300 points of a throughput of 50 records a second, and a gap."""
    now = time.time()
    for number in range(300):
        latency = filled(LATENCY_S, *([0.02] * (number + 1)))
        if not 100 < number < 120:
            board.post(
                "worker", snapshot(time_s=now - 600 + 2 * number, records=100 * number, latency=latency, **other)
            )


def faults(page: Page) -> list[str]:
    """Return the violations that axe-core finds, of any severity."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html']}"
        for violation in violations
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_page_is_accessible_and_fits_the_screen(
    browser: Browser, url: str, board: Board, scheme: Literal["light", "dark"], width: int
) -> None:
    dead_letters = tuple(
        ShownDeadLetter(1, number, 1_700_000_000_000, "decode", "time: expected int, " * 6) for number in range(9)
    )
    ten_minutes(board, **FULL | {"dead_letters": dead_letters})
    with look(browser, url, width=width, scheme=scheme) as seen:
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("houseversion 3")
        expect(seen.page.locator("#throughput .trace")).to_have_count(2)  # before the gap, and after it
        assert faults(seen.page) == []
        assert seen.overflow == 0
    assert seen.complaints == []
    assert {address.removeprefix(url) for address in seen.requests if address.startswith("http")} == {"", "status.json"}


def test_page_shows_the_status(browser: Browser, url: str, board: Board) -> None:
    ten_minutes(board, **FULL)
    with look(browser, url) as seen:
        page = seen.page
        expect(page.get_by_role("status")).to_have_text("Not ready")
        expect(page.locator("#reason")).to_have_text(
            "1 of 3 partitions are not restored yet, the first: house[1], restoring, 25%"
        )
        expect(page.locator("#throughput .big")).to_have_text("50records/s")
        expect(page.locator("#lanes tr")).to_have_text(
            [
                "[0]running10011010500 ms",
                "[1]restoring 25 %10011010500 ms",
                "[2]running100\u2013\u2013\u2013",
            ]
        )
        expect(page.locator("#dead")).to_have_text("decode2predict1")
        expect(page.locator("#dead-last")).to_have_text("decode[1]@40time: expected int")
        expect(page.locator("#predictions tr").first).to_have_text("[1]@72023-11-14 22:13:20.5Zk2")
        expect(page.locator("#drift .value")).to_have_text(["0.310 ▲ different", "0.030 ● similar"])
        expect(page.locator("#served")).to_contain_text("Challengerhouse version 4, 10% of the keys")
        expect(page.locator("#stages .value")).to_have_text(["2.0 ms", "4.0 ms"])
        expect(page.locator("#pipeline .op")).to_have_text(
            ["map", f"{ROLL}8.1 kB, in panes", "last", "stddev(reduce=True)"]
        )
        board.post("worker", snapshot(time_s=time.time(), lanes=(lane(0),)))
        expect(page.get_by_role("status")).to_have_text("Serving")
        expect(page.locator("#reason")).to_be_hidden()


def test_latency_beyond_the_last_bucket_has_no_number(browser: Browser, url: str, board: Board) -> None:
    year = 365 * 86_400.0
    board.post("worker", snapshot(latency=filled(LATENCY_S, *[0.02] * 60, *[year] * 40)))
    with look(browser, url) as seen:
        expect(seen.page.locator("#latency .big")).to_have_text("18 msmedian> 5 minp99")


def test_timestamp_outside_the_date_range_is_shown_as_number(browser: Browser, url: str, board: Board) -> None:
    times = (10**18, -1, 0, 253_402_300_800_000)
    board.post("worker", snapshot(predictions=tuple(ShownPrediction(0, 1, time_ms, "k", "1") for time_ms in times)))
    with look(browser, url) as seen:
        expect(seen.page.locator("#predictions td.extra")).to_have_text(
            ["+010000-01-01 00:00:00Z", "1970-01-01 00:00:00Z", "1969-12-31 23:59:59.999Z", "1000000000000000000 ms"]
        )
    assert seen.complaints == []


def test_text_of_a_record_is_escaped(browser: Browser, url: str, board: Board) -> None:
    served = msgspec.structs.replace(
        SERVICE, name=NASTY, version=NASTY, input=NASTY, pipelines=(("", (PipelineStep(NASTY, ""),)),)
    )
    nasty = {
        "served": served,
        "dead": {NASTY: 2},
        "predictions": (ShownPrediction(0, 1, 1_700_000_000_000, NASTY, NASTY),),
        "dead_letters": (ShownDeadLetter(0, 1, 1_700_000_000_000, NASTY, NASTY),),
        "drift": (ShownDrift(NASTY, 0.1, 1),),
    }
    board.post("worker", snapshot(**nasty))
    with look(browser, url) as seen:
        expect(seen.page.locator("#predictions td").nth(2)).to_have_text(NASTY)
        expect(seen.page.locator("#drift .name")).to_have_text(NASTY)
        assert seen.page.title() == f"{NASTY} · makiserve"
        assert seen.page.locator("img").count() == 0
        assert seen.page.locator("script").count() == 1
    assert seen.complaints == []


def test_page_shows_starting_stalled_and_unreachable_service(browser: Browser, board: Board) -> None:
    with WebServer(board, Address("127.0.0.1", 0, is_default=False)) as server, look(browser, server.url) as seen:
        state, reason = seen.page.get_by_role("status"), seen.page.locator("#reason")
        expect(state).to_have_text("Starting")
        assert faults(seen.page) == []
        board.post("worker", snapshot(workers=(life(age_s=300),)))
        expect(state).to_have_text("Stalled")
        expect(reason).to_contain_text("worker is stalled: no iteration of its loop for 30")
        assert faults(seen.page) == []
        server.__exit__(None, None, None)
        expect(state).to_have_text("Disconnected")
        expect(reason).to_contain_text("The data shown are outdated")
        assert faults(seen.page) == []


def test_keyboard_reads_a_plot_and_pauses_the_page(browser: Browser, url: str, board: Board) -> None:
    ten_minutes(board)
    with look(browser, url) as seen:
        page = seen.page
        expect(page.locator("#latency .sub")).to_contain_text("last commit")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Pause")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#fresh")).to_have_text("paused")
        page.keyboard.press("Tab")
        expect(page.locator("#throughput .canvas")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#throughput .cursor")).to_have_count(1)
        expect(page.locator("#throughput .sub")).to_contain_text("at ")
        assert "50 records/s" in (page.locator("#throughput .canvas").get_attribute("aria-label") or "")
        page.keyboard.press("Escape")
        expect(page.locator("#throughput .cursor")).to_have_count(0)


def test_page_with_reduced_motion_has_no_animation(browser: Browser, url: str, board: Board) -> None:
    board.post("worker", snapshot())
    with look(browser, url) as seen:
        expect(seen.page.locator("#dead .bar").first).to_have_css("transition-duration", "0.4s")
        seen.page.emulate_media(reduced_motion="reduce")
        expect(seen.page.locator("#dead .bar").first).to_have_css("transition-duration", "0s")
