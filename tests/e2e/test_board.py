"""The board in a real browser: what it shows is what SQL gives, it moves, and nothing complains."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboards import DASHBOARDS
from pipelines.board.server import BoardServer
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from tests.conftest import Cli
from tests.e2e.pipeline import query, send, wait_for

CHROMIUM = shutil.which("chromium")
SCREENSHOTS = Path(__file__).parent.parent.parent / "build" / "screenshots"
RANGE = "from=now-1h&to=now"

pytestmark = pytest.mark.timeout(300)


def broadcast(seed: int, minutes: float = 10) -> list[Record]:
    start = int(time.time() * 1_000) - round(minutes * 60_000)
    return list(
        Simulation(SimulationSettings(start_ms=start, seed=seed, rate=50, rooms=4, events=round(50 * 60 * minutes))).records()
    )


@pytest.fixture(scope="module")
def address(stack: Settings, cli: Cli) -> Iterator[str]:
    """A board over the session's stack, which holds a broadcast."""
    send(stack, broadcast(31))
    wait_for(lambda: query(stack, "SELECT count() FROM room_1m WHERE window_start >= now() - 600")[0][0] > 20, "minutes of rooms")
    with BoardServer(stack) as server:
        yield server.address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no chromium on PATH (apt-get install chromium).")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page; anything that it logs as an error, or fails to load, fails the test."""
    complaints: list[str] = []
    opened = browser.new_page(viewport={"width": 1920, "height": 1080})
    opened.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "requestfailed",
        lambda request: complaints.append(f"{request.url}: {request.failure}") if "/api/" not in request.url else None,
    )
    yield opened
    opened.close()
    assert complaints == []


def value(page: Page, panel: str, column: str) -> float:
    cell = page.locator("section", has=page.locator("h2", has_text=panel)).locator(f'[data-column="{column}"]').first
    return float(cell.get_attribute("data-value") or "nan")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_dashboard_shows_every_panel(name: str, address: str, page: Page) -> None:
    page.goto(f"{address}d/livepulse-{name.replace('_', '-')}?{RANGE}")
    expect(page.locator("section.panel")).not_to_have_count(0)
    expect(page.locator("section.panel:not([data-updated])")).to_have_count(0, timeout=60_000)
    assert page.locator(".failed").count() == 0, page.locator(".failed").all_inner_texts()
    page.wait_for_timeout(300)  # for the charts' first frame
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_the_live_room_fits_the_screen(address: str, page: Page) -> None:
    page.goto(f"{address}d/livepulse-live-room?{RANGE}")
    page.wait_for_selector("canvas")
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    widest = "Math.max(...[...document.querySelectorAll('canvas')].map((picture) => picture.clientWidth))"
    wait_for(lambda: page.evaluate(widest) <= 390, "every picture drawn again as narrow as the screen", 30)


def test_numbers_are_those_of_sql_and_move(address: str, page: Page, stack: Settings) -> None:
    page.goto(f"{address}d/livepulse-live-room?{RANGE}&var-room=room-01")
    page.wait_for_selector('section[data-updated] [data-column="paying_users"]')
    newest = (
        "SELECT paying_users, audience, click_users FROM broadcast WHERE room_id = 'room-01' "
        "ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1"
    )

    def agrees() -> bool:
        [(paying, audience, clicks)] = query(stack, newest)
        shown = (
            value(page, "Buying", "paying_users"),
            value(page, "Engaged", "broadcast_audience"),
            value(page, "Buying", "click_rate"),
        )
        return shown[:2] == (paying, audience) and math.isclose(shown[2], clicks / audience)

    wait_for(agrees, "the page shows what SQL gives", 30)
    before = value(page, "Engaged", "broadcast_audience")
    send(stack, broadcast(32, minutes=2))
    wait_for(lambda: value(page, "Engaged", "broadcast_audience") != before, "a number that moves", 60)
    wait_for(agrees, "the page shows what SQL gives after that", 30)


def test_a_broken_statement_is_shown_in_its_panel_alone(address: str, browser: Browser) -> None:
    page = browser.new_page()

    def refuse(route):  # type: ignore[no-untyped-def]
        asked = json.loads(route.request.post_data)
        if asked.get("panel") == 2:
            route.fulfill(status=422, json={"error": "Unknown column"})
        else:
            route.continue_()

    page.route("**/api/query", refuse)
    page.goto(f"{address}d/livepulse-live-room?{RANGE}")
    page.wait_for_selector("#panel-2.failed")
    assert "Unknown column" in page.locator("#panel-2 .error").inner_text()
    page.wait_for_selector("#panel-1[data-updated]")
    assert page.locator(".failed").count() == 1
    page.close()


def test_the_server_answers_only_its_own_page_and_takes_no_sql(address: str) -> None:
    asked = {"dashboard": "livepulse-live-room", "panel": 1, "from": 0, "to": 1_000}
    assert httpx.post(f"{address}api/query", json=asked | {"variables": {"room": ["x"]}}).status_code == 200
    assert httpx.post(f"{address}api/query", json=asked | {"rawSql": "SELECT 1"}).status_code == 400
    assert httpx.post(f"{address}api/query", json=asked, headers={"Origin": "http://elsewhere.test"}).status_code == 403
    by_tls = {"Origin": address.replace("http:", "https:").rstrip("/")}  # as behind a proxy
    assert httpx.post(f"{address}api/query", json=asked | {"variables": {"room": ["x"]}}, headers=by_tls).status_code == 200
    assert httpx.get(address, headers={"Host": "elsewhere.test"}).status_code == 400
    assert httpx.post(f"{address}api/query", json=asked | {"panel": 99}).status_code == 404
    unbound = httpx.post(f"{address}api/query", json=asked)
    assert unbound.status_code == 422 and "room" in unbound.json()["error"]
    page = httpx.get(address)
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "https://" not in page.text and "http://" not in page.text


def test_a_taken_port_is_said(address: str, cli: Cli) -> None:
    port = address.rstrip("/").rpartition(":")[2]
    for done in (cli("board", "--port", port), cli("demo", "--duration", "5")):
        assert done.returncode == 1
        assert f"Port {port} is taken by process" in done.stderr + done.stdout and "Traceback" not in done.stderr
