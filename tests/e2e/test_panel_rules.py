"""Rules of panels and of the live view that the scenario of `test_panels.py` does not reach: each over a few rows written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.settings import Settings
from pipelines.watch import board
from tests.panels.database import Database, database

NOW = datetime(2026, 3, 4, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def rows(stack: Settings) -> Iterator[Database]:
    with database(stack) as made:
        yield made


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def test_a_refund_does_not_turn_a_broadcast_on_again(rows: Database) -> None:
    def broadcast(room: str, name: str, viewed: datetime | None, active: datetime, newest: datetime, users: int) -> None:
        seen = {"viewers": users, "first_view_at": viewed, "last_view_at": viewed} if viewed else {}
        counted = {"exposed_users": users, "viewers_feed": users if viewed else 0, "active_users": users} | seen
        ids = {"room_id": room, "broadcast_id": name}
        rows.put("broadcast_counters", **ids, **counted, last_activity_at=active, last_record_at=newest)
        rows.put("broadcast_product_counters", **ids, product_id=name, orders_paid=1)
        rows.put("broadcast_product_sales_counters", **ids, product_id=name, currency="CNY", orders_paid=1, gmv_paid=100)

    # Of "old" somebody gave something back a minute ago, and paid late; "views" and "inferred" are on, with 7 and 5 people.
    broadcast("old", "yesterday", ago(days=1), ago(minutes=1), ago(minutes=1), 400)
    broadcast("gone", "inferred yesterday", None, ago(days=1), ago(minutes=1), 80)
    broadcast("views", "today", ago(minutes=2), ago(minutes=3), ago(minutes=2), 7)
    broadcast("inferred", "today too", None, ago(minutes=2), ago(minutes=2), 5)
    rooms = ["old", "gone", "views", "inferred"]
    assert rows.shown("live_room", "engaged", NOW, rooms)[0]["broadcast_audience"] == 12
    assert rows.shown("live_room", "buying", NOW, rooms)[0]["click_rate"] == 0  # of 12, where nobody is on it is None
    assert rows.shown("live_room", "buying", NOW, ["old", "gone"])[0]["click_rate"] is None
    assert rows.shown("live_room", "funnel", NOW, rooms)[0]["users"] == 12
    assert rows.shown("live_room", "sources", NOW, rooms) == [{"viewer_source": "feed", "viewers": 7}]
    assert [row["product_id"] for row in rows.shown("live_room", "products", NOW, rooms)] == ["today", "today too"]
    assert rows.shown("live_room", "money", NOW, rooms)[0]["gmv_paid"] == 2  # two orders of 1.00
    with board.Reader(rows.settings, minutes=30) as reader:
        assert {room.room_id: room.viewers for room in reader.rooms(at=NOW.timestamp())} == {"views": 7, "inferred": 5}


def test_of_several_applications_the_state_is_that_of_the_worst(rows: Database) -> None:
    def reports(job: str, uptime: float, restarts: int, checkpoint_age: float, pending: tuple[int, int]) -> None:
        figures = {"uptime": uptime * 1_000, "numRestarts": restarts}
        figures["lastCheckpointCompletedTimestamp"] = ago(seconds=checkpoint_age).timestamp() * 1_000
        for metric, value in figures.items():
            rows.put("flink_metric", inserted_at=ago(seconds=20), job=job, metric=metric, value=value)
        for subtask, value in enumerate(pending):
            at = {"inserted_at": ago(seconds=20), "operator": "Source: order_record", "subtask": subtask}
            rows.put("flink_metric", **at, job=job, metric="pendingRecords", value=value)

    reports("interaction", 9_000, 0, 10, (40, 30))
    reports("conversion", 300, 4, 90, (20, 60))
    [state] = rows.shown("pipeline_health", "state", NOW, [])
    assert (state["job_uptime"], state["restarts"], state["checkpoint_age"]) == (300, 4, 90)
    assert state["consumer_lag"] == 80  # 20 + 60, more than 40 + 30
    assert [row["consumer_lag"] for row in rows.shown("pipeline_health", "lag", NOW, [])] == [80]
