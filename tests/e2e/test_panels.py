"""Golden results: what each panel shows of a small scenario (`tests/panels`), through Kafka, Flink and ClickHouse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import DASHBOARDS
from dashboards.build import page
from dashboards.query import read
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader
from pipelines.settings import Settings
from tests.e2e.pipeline import query, send, wait_for
from tests.panels import scenario
from tests.panels.database import at
from tests.panels.scenario import NOON, A, B

EXPECTED: dict[str, dict[str, list[dict[str, Any]]]] = yaml.safe_load(
    (Path(scenario.__file__).with_name("expected.yaml")).read_text(encoding="utf-8")
)
NOW = NOON + timedelta(minutes=5)

CHOSEN: dict[str, tuple[timedelta, list[str]]] = {
    "live_room": (timedelta(minutes=10), [A]),
    "all_rooms": (timedelta(minutes=10), [A, B]),
    "community": (timedelta(minutes=10), [A, B]),
    "repurchase": (timedelta(minutes=130), [A, B]),
    "broadcast_review": (timedelta(minutes=10), [A]),
}
"""Dashboard -> how long before now, which rooms."""

ELSEWHERE = {
    ("repurchase", "rates"): "all rooms of the database as one: tests/e2e/test_realdata.py has the purchases of CDNOW",
    **{("pipeline_health", name): "about the pipeline, not about events" for name in page("pipeline_health", "en").columns},
}
"""Panels whose result is not that of this scenario alone."""


@pytest.fixture(scope="module")
def told(stack: Settings) -> Reader:
    """A reader of the session's stack, once it has counted the scenario."""
    sent = list(scenario.records())
    assert send(stack, sent) == len(sent)
    counted = {
        "SELECT sum(comments), sum(likes), sum(orders_paid) FROM room_1m_counters FINAL WHERE room_id LIKE 'panels-%'": (7, 55, 7),
        "SELECT sum(repeat_orders) FROM broadcast_counters FINAL WHERE room_id LIKE 'panels-%'": (3,),
        "SELECT sum(viewers), max(viewers), count() FROM broadcast_10s_counters FINAL WHERE room_id LIKE 'panels-%'": (68, 4, 26),
        "SELECT sum(viewer_slots), max(peak_concurrency) FROM broadcast_concurrency_1m_counters FINAL "
        "WHERE room_id LIKE 'panels-%'": (68, 4),
        "SELECT sum(exposed_users), sum(click_users), sum(paying_users) FROM broadcast_product_counters FINAL "
        "WHERE room_id LIKE 'panels-%'": (6, 4, 7),
        "SELECT sum(gmv_paid), sum(gmv_refunded) FROM broadcast_product_sales_counters FINAL WHERE room_id LIKE 'panels-%'": (
            8900,
            400,
        ),
        "SELECT sum(messages) FROM group_1m_counters FINAL WHERE group_id LIKE 'panels-%'": (5,),
        "SELECT sum(orders_paid) FROM buyer_day_counters FINAL WHERE room_id LIKE 'panels-%'": (7,),
        "SELECT uniqExact(event_id) FROM comment_event WHERE room_id LIKE 'panels-%'": (7,),
        "SELECT uniqExact(event_id) FROM view_event WHERE room_id LIKE 'panels-%'": (76,),
        "SELECT uniqExact(event_id) FROM order_event WHERE room_id LIKE 'panels-%'": (8,),
        "SELECT uniqExact(event_id) FROM product_event WHERE room_id LIKE 'panels-%'": (11,),
    }
    wait_for(lambda: {sql: query(stack, sql)[0] for sql in counted} == counted, "the scenario counted")
    return Reader(stack)


def test_every_panel_is_here_or_elsewhere() -> None:
    panels = {(dashboard, panel) for dashboard in DASHBOARDS for panel in page(dashboard, "en").columns}
    here = {(dashboard, panel) for dashboard, found in EXPECTED.items() for panel in found}
    assert here | ELSEWHERE.keys() == panels
    assert not here & ELSEWHERE.keys()


@pytest.mark.parametrize(("dashboard", "panel"), [(d, p) for d, panels in EXPECTED.items() for p in panels])
def test_a_panel_shows_what_was_worked_out(dashboard: str, panel: str, told: Reader) -> None:
    before, rooms = CHOSEN[dashboard]
    selection = Selection(NOW - before, NOW, 60, {"room": rooms, "broadcast": ["a2"]})
    result = told.run(*bind(at(read(dashboard, panel), NOW), selection))
    names = [column.name for column in result.columns]
    expected = EXPECTED[dashboard][panel]
    found = [{name: row[names.index(name)] for name in wanted} for row, wanted in zip(result.rows, expected, strict=False)]
    assert found == [approximately(row) for row in expected]
    assert len(result.rows) == len(expected)


def approximately(row: Mapping[str, Any]) -> dict[str, Any]:
    """Times as the board has them, ms since the epoch; numbers to six digits."""
    return {
        name: value.replace(tzinfo=UTC).timestamp() * 1_000
        if isinstance(value, datetime)
        else pytest.approx(value, rel=1e-5)
        if isinstance(value, int | float)
        else value
        for name, value in row.items()
    }


@pytest.mark.parametrize(("variable", "values"), [("room", [A, B]), ("broadcast", ["a2"])])
def test_the_pickers_offer_what_is_in_the_time_range(variable: str, values: list[str], told: Reader) -> None:
    selection = Selection(NOW - timedelta(minutes=10), NOW, 60, {"room": [A], "broadcast": []})
    assert [row[0] for row in told.run(*bind(read("variables", variable), selection)).rows] == values
