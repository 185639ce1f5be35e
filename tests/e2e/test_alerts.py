"""Alerts fire when they should and stay silent when they should: their statements on a real ClickHouse, over rows written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboards.alerts import RUNBOOK, Alert, alerts
from pipelines.settings import Settings
from tests.panels.database import Database, database

ROOT = Path(__file__).parent.parent.parent
BY_NAME = {alert.name: alert for alert in alerts()}


@pytest.fixture
def rows(stack: Settings) -> Iterator[Database]:
    with database(stack) as made:
        yield made


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def flink(rows: Database, metric: str, value: float, topic: str = "view") -> None:
    operator = f"Source: KafkaSource-default_catalog.default_database.{topic}_record"
    rows.put(
        "flink_metric",
        inserted_at=ago(seconds=20),
        job="livepulse",
        operator=operator,
        subtask=0,
        metric=metric,
        value=value,
    )


def firing(rows: Database, alert: Alert) -> set[str]:
    """The subjects that Grafana would tell of."""
    found = rows.client.execute(alert.sql)
    return {subject for subject, value in found if (value < alert.limit if alert.below is not None else value > alert.limit)}


def test_nothing_fires_on_an_empty_database(rows: Database) -> None:
    assert {alert.name: firing(rows, alert) for alert in alerts()} == {alert.name: set() for alert in alerts()}


@pytest.mark.parametrize(("age", "fires"), [(20, set()), (90, {"all rooms"})])
def test_stale_data(rows: Database, age: float, fires: set[str]) -> None:
    rows.put("room_10s_counters", room_id="a", window_start=ago(seconds=age + 200), last_record_at=ago(seconds=age + 200))
    rows.put("room_10s_counters", room_id="b", window_start=ago(seconds=age), last_record_at=ago(seconds=age))
    assert firing(rows, BY_NAME["stale_data"]) == fires


def test_consumer_lag(rows: Database) -> None:
    flink(rows, "pendingRecords", 99_000, "view")
    flink(rows, "pendingRecords", 101_000, "like")
    assert firing(rows, BY_NAME["consumer_lag"]) == {"like"}


@pytest.mark.parametrize(("dead", "fires"), [(20, set()), (40, {"view"})])
def test_dead_letter_ratio(rows: Database, dead: int, fires: set[str]) -> None:
    flink(rows, "numRecordsInPerSecond", 1.0)  # 600 records in ten minutes: 5 % are 30
    for offset in range(dead):
        rows.put("dead_letter", reason="wrong_type", _topic="view", _partition=0, _offset=offset, received_at=ago(minutes=2))
    rows.put("dead_letter", reason="wrong_type", _topic="order", _partition=0, _offset=1, received_at=ago(hours=2))
    assert firing(rows, BY_NAME["dead_letter_ratio"]) == fires


def test_verify_difference_is_of_the_last_verify(rows: Database) -> None:
    rows.put("verify_result", checked_at=ago(minutes=5), subject="room_1m", wrong=3)
    assert firing(rows, BY_NAME["verify_difference"]) == {"room_1m"}
    rows.put("verify_result", checked_at=ago(minutes=1), subject="room_1m", wrong=0)
    assert firing(rows, BY_NAME["verify_difference"]) == set()


@pytest.mark.parametrize(
    ("uptime", "completed", "fires"),
    [(1_000, 60, set()), (1_000, 400, {"livepulse"}), (200, None, set()), (400, None, {"livepulse"})],
)
def test_checkpoint_failing(rows: Database, uptime: float, completed: float | None, fires: set[str]) -> None:
    flink(rows, "uptime", uptime * 1_000)
    flink(rows, "lastCheckpointCompletedTimestamp", ago(seconds=completed).timestamp() * 1_000 if completed else -1)
    assert firing(rows, BY_NAME["checkpoint_failing"]) == fires


def test_room_silent_needs_an_audience_and_others_that_are_heard(rows: Database) -> None:
    for room, age, viewers in (("live", 5, 30), ("silent", 120, 30), ("small", 120, 5)):
        rows.put(
            "room_10s_counters",
            room_id=room,
            window_start=ago(seconds=age),
            viewers=viewers,
            last_record_at=ago(seconds=age),
        )
    assert firing(rows, BY_NAME["room_silent"]) == {"silent"}


def test_when_no_room_is_heard_it_is_stale_data_and_not_each_room(rows: Database) -> None:
    rows.put("room_10s_counters", room_id="a", window_start=ago(seconds=120), viewers=50, last_record_at=ago(seconds=120))
    assert firing(rows, BY_NAME["room_silent"]) == set()


@pytest.mark.parametrize(("name", "column"), [("interaction_low", "interacting_users"), ("conversion_low", "paying_users")])
def test_rates_far_below_the_rooms_own_past(rows: Database, name: str, column: str) -> None:
    # 1,000 viewers, 100 of them by the past's rate; low has 20 (a fifth of it), usual 90, and of the few nobody can tell.
    for room, audience, users in (("low", 1_000, 20), ("usual", 1_000, 90), ("few", 50, 0)):
        rows.put("room_1m_counters", room_id=room, window_start=ago(minutes=4), viewers=audience, **{column: users})
        rows.put("room_1m_counters", room_id=room, window_start=ago(days=3), viewers=1_000, **{column: 100})
    rows.put("room_1m_counters", room_id="first", window_start=ago(minutes=4), viewers=1_000, **{column: 0})
    assert firing(rows, BY_NAME[name]) == {"low"}


def test_refund_rate_high_takes_the_catalogues_threshold(rows: Database) -> None:
    for room, paid, refunded in (("a", 100, 21), ("b", 100, 19), ("few", 10, 5)):
        rows.put(
            "broadcast_counters",
            room_id=room,
            broadcast_id="1",
            orders_paid=paid,
            orders_refunded=refunded,
            last_record_at=ago(hours=1),
        )
    assert firing(rows, BY_NAME["refund_rate_high"]) == {"a 1"}


def test_every_alert_has_a_section_in_the_runbook_and_a_statement() -> None:
    sections = {
        line.removeprefix("## ") for line in (ROOT / RUNBOOK).read_text(encoding="utf-8").splitlines() if line.startswith("## ")
    }
    assert sections == {alert.name.replace("_", "-") for alert in alerts()}
    assert {path.stem for path in (ROOT / "dashboards" / "alerts").glob("*.sql")} == BY_NAME.keys()
