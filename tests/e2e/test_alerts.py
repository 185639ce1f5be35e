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


def flink(rows: Database, metric: str, value: float, topic: str = "view", job: str = "livepulse", seconds_ago: float = 20) -> None:
    operator = f"Source: KafkaSource-default_catalog.default_database.{topic}_record"
    rows.put(
        "flink_metric",
        inserted_at=ago(seconds=seconds_ago),
        job=job,
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


@pytest.mark.parametrize(
    ("counted", "received", "fires"),
    [
        (20, 1, set()),
        (90, 1, {"all rooms"}),
        (7_200, 7_199, set()),  # the evening is over
        (7_200, 3_600, {"all rooms"}),  # it went on for an hour without Flink, which is as true afterwards
    ],
)
def test_stale_data(rows: Database, counted: float, received: float, fires: set[str]) -> None:
    rows.put("room_10s_counters", room_id="a", window_start=ago(seconds=counted + 200), last_record_at=ago(seconds=counted + 200))
    rows.put("room_10s_counters", room_id="b", window_start=ago(seconds=counted), last_record_at=ago(seconds=counted))
    rows.put("view_event", room_id="a", event_time=ago(seconds=received + 300), received_at=ago(seconds=received + 300))
    rows.put("comment_event", room_id="b", event_time=ago(seconds=received), received_at=ago(seconds=received))
    assert firing(rows, BY_NAME["stale_data"]) == fires


def test_what_came_in_before_flink_counted_anything_is_stale(rows: Database) -> None:
    rows.put("comment_event", room_id="b", event_time=ago(seconds=5), received_at=ago(seconds=5))
    [(_, value)] = rows.client.execute(BY_NAME["stale_data"].sql)
    assert value == pytest.approx(6 * 3_600 - 5, abs=30)
    assert firing(rows, BY_NAME["stale_data"]) == {"all rooms"}


def test_views_that_alone_are_not_counted_are_stale(rows: Database) -> None:
    def heard(room: str, action: str, seconds: float, is_late: bool = False) -> None:
        at = {"event_time": ago(seconds=seconds), "received_at": ago(seconds=seconds)}
        rows.put("view_event", room_id=room, user_id="u", action=action, is_late=is_late, **at)

    # Viewers left two minutes ago, and comments are counted.
    counted(rows, "a", 130, 40)
    chats(rows, "a", 2)
    heard("a", "heartbeat", 131)
    heard("a", "leave", 10)
    heard("a", "heartbeat", 10, is_late=True)
    assert firing(rows, BY_NAME["stale_data"]) == set()
    heard("a", "heartbeat", 10)  # 120 s newer than dwell's newest
    [(_, value)] = rows.client.execute(BY_NAME["stale_data"].sql)
    assert value == pytest.approx(120, abs=1)
    counted(rows, "a", 11, 40)
    assert firing(rows, BY_NAME["stale_data"]) == set()


def test_a_clock_that_is_ahead_hides_no_stale_data(rows: Database) -> None:
    rows.client.execute("SYSTEM STOP MERGES comment_event")  # a part is left out whole, and Kafka brings new ones all the time
    rows.put("room_10s_counters", room_id="a", window_start=ago(seconds=120), last_record_at=ago(seconds=120))
    rows.put("room_10s_counters", room_id="a", window_start=ago(seconds=110), last_record_at=ago(hours=-1))
    rows.put("comment_event", room_id="a", event_time=ago(seconds=110), received_at=ago(hours=-1))
    rows.put("comment_event", room_id="a", event_time=ago(seconds=5), received_at=ago(seconds=5))
    [(_, value)] = rows.client.execute(BY_NAME["stale_data"].sql)
    assert value == pytest.approx(105, abs=1)  # of the window with the wrong clock only its start is known
    assert firing(rows, BY_NAME["stale_data"]) == {"all rooms"}


def test_consumer_lag(rows: Database) -> None:
    flink(rows, "pendingRecords", 99_000, "view")
    flink(rows, "pendingRecords", 101_000, "like")
    flink(rows, "pendingRecords", 5, "like", job="interaction")  # another application reads the same topic
    assert firing(rows, BY_NAME["consumer_lag"]) == {"livepulse like"}


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
    ("minutes_ago", "fires"),
    [
        ((1, 2, 3, 4, 5), set()),
        ((16, 17, 18, 19, 20), {"verify"}),
        ((16, 17, 18, 19), set()),  # by hand
        ((16, 200, 300, 400, 500), set()),
        ((8 * 1_440, 8 * 1_440 + 1, 8 * 1_440 + 2, 8 * 1_440 + 3, 8 * 1_440 + 4), set()),  # given up a week ago
    ],
)
def test_verify_stopped(rows: Database, minutes_ago: tuple[int, ...], fires: set[str]) -> None:
    for checked_at in [ago(minutes=minutes) for minutes in minutes_ago]:
        for subject in ("room_1m", "room_10s"):
            rows.put("verify_result", checked_at=checked_at, subject=subject)
    assert firing(rows, BY_NAME["verify_stopped"]) == fires


@pytest.mark.parametrize(
    ("uptime", "completed", "fires"),
    [
        (1_000, 60, set()),
        (1_000, 400, {"livepulse"}),
        (10, 400, {"livepulse"}),  # a job that crashes again and again is never old
        (200, None, set()),
        (400, None, {"livepulse"}),
    ],
)
def test_checkpoint_failing(rows: Database, uptime: float, completed: float | None, fires: set[str]) -> None:
    flink(rows, "uptime", uptime * 1_000)
    flink(rows, "lastCheckpointCompletedTimestamp", ago(seconds=completed).timestamp() * 1_000 if completed else -1)
    assert firing(rows, BY_NAME["checkpoint_failing"]) == fires


@pytest.mark.parametrize(
    ("counts", "fires"),
    [
        ([0, 0, 0, 0, 0, 0, 1, 1, 1], set()),  # one, from which it came back
        ([5, 5, 6, 7, 8], {"livepulse"}),  # three
        ([40, 40, 40], set()),  # all of them long ago
        ([7, 8, 0, 1, 2], {"livepulse"}),  # a new JobManager counts anew: one before it, two since
    ],
)
def test_restarting(rows: Database, counts: list[int], fires: set[str]) -> None:
    for ten_seconds, count in enumerate(reversed(counts)):
        flink(rows, "numRestarts", count, seconds_ago=10 + 10 * ten_seconds)
    flink(rows, "numRestarts", 0, job="another", seconds_ago=15)
    assert firing(rows, BY_NAME["restarting"]) == fires


def test_restarts_before_the_last_ten_minutes_are_over(rows: Database) -> None:
    for minutes, count in ((12, 0), (11, 9), (1, 9)):
        flink(rows, "numRestarts", count, seconds_ago=60 * minutes)
    assert firing(rows, BY_NAME["restarting"]) == set()


def counted(rows: Database, room: str, age: float, viewers: int) -> None:
    """What dwell counts of viewers that it last heard of so long ago."""
    at = {"window_start": ago(seconds=age), "last_record_at": ago(seconds=age)}
    rows.put("room_10s_counters", room_id=room, viewers=viewers, **at)
    rows.put("broadcast_concurrency_1m_counters", room_id=room, broadcast_id="b", peak_concurrency=viewers, **at)


def chats(rows: Database, room: str, age: float) -> None:
    """What interaction counts of the room's group."""
    at = {"window_start": ago(seconds=age), "last_record_at": ago(seconds=age)}
    rows.put("room_10s_counters", room_id=room, active_users=3, group_messages=3, **at)


def watched(rows: Database, room: str, age: float, viewers: int, leave: int = 0) -> None:
    """A room in which nothing has happened for so long; some of the viewers said that they leave."""
    counted(rows, room, age, viewers)
    seen = [(user, "heartbeat", age + 10) for user in range(leave)]
    seen += [(user, "leave" if user < leave else "heartbeat", age) for user in range(viewers)]
    events = [(room, f"u{user}", action, ago(seconds=s), ago(seconds=s), offset) for offset, (user, action, s) in enumerate(seen)]
    rows.client.execute("INSERT INTO view_event (room_id, user_id, action, event_time, received_at, _offset) VALUES", events)


def test_room_silent_needs_an_audience_and_others_that_are_heard(rows: Database) -> None:
    watched(rows, "live", 5, 30)
    watched(rows, "silent", 120, 30)
    watched(rows, "small", 120, 5)
    assert firing(rows, BY_NAME["room_silent"]) == {"silent"}


def test_a_room_that_its_viewers_left_is_not_silent_but_over(rows: Database) -> None:
    watched(rows, "live", 5, 30)
    watched(rows, "over", 120, 60, leave=38)  # 22 of 60 clients died without a leave, as some always do
    watched(rows, "broken", 120, 60, leave=25)  # 25 left in its last minute, 35 are missed
    assert firing(rows, BY_NAME["room_silent"]) == {"broken"}


def test_when_no_room_is_heard_it_is_stale_data_and_not_each_room(rows: Database) -> None:
    watched(rows, "a", 120, 50)
    assert firing(rows, BY_NAME["room_silent"]) == set()


def test_a_room_whose_group_goes_on_chatting_is_silent(rows: Database) -> None:
    watched(rows, "r", 120, 30)
    chats(rows, "r", 120)
    chats(rows, "r", 5)
    assert firing(rows, BY_NAME["room_silent"]) == {"r"}


def test_a_room_whose_views_are_not_counted_is_not_silent(rows: Database) -> None:
    watched(rows, "r", 120, 30)
    chats(rows, "other", 5)
    rows.put("view_event", room_id="r", user_id="u0", action="heartbeat", event_time=ago(seconds=5), received_at=ago(seconds=5))
    assert firing(rows, BY_NAME["room_silent"]) == set()


@pytest.mark.parametrize(("name", "column"), [("interaction_low", "interacting_users"), ("conversion_low", "paying_users")])
def test_rates_far_below_the_rooms_own_past(rows: Database, name: str, column: str) -> None:
    # 1,000 viewers, 100 of them by the past's rate; low has 20 (a fifth of it), usual 90, and of the few nobody can tell.
    for room, audience, users in (("low", 1_000, 20), ("usual", 1_000, 90), ("few", 50, 0)):
        rows.put("room_1m_counters", room_id=room, window_start=ago(minutes=4), viewers=audience, **{column: users})
        rows.put("room_1m_counters", room_id=room, window_start=ago(days=3), viewers=1_000, **{column: 100})
    rows.put("room_1m_counters", room_id="first", window_start=ago(minutes=4), viewers=1_000, **{column: 0})
    assert firing(rows, BY_NAME[name]) == {"low"}


@pytest.mark.parametrize(("name", "column"), [("interaction_low", "interacting_users"), ("conversion_low", "paying_users")])
def test_minutes_without_viewers_are_not_compared_with_those_that_have_some(rows: Database, name: str, column: str) -> None:
    def minute(room: str, at: datetime, users: int = 0, **counters: int) -> None:
        rows.put("room_1m_counters", room_id=room, window_start=at, **counters, **{column: users})

    # 100 of 1,000 is the past of all. "over": no broadcast now, its group chats. "low": 20 of 1,000 is a fifth, though with the
    # chat between broadcasts the past would be 100 of 11,000. "inferred" tells no views: 5 of 500 is a tenth of its usual.
    for room, past, chatting in (("over", "viewers", 0), ("low", "viewers", 10_000), ("inferred", "active_users", 10_000)):
        minute(room, ago(days=3), 100, **{past: 1_000})
        minute(room, ago(days=2), active_users=chatting, group_messages=chatting)
    minute("over", ago(minutes=4), active_users=400, group_messages=400)
    minute("low", ago(minutes=4), 20, viewers=1_000)
    minute("low", ago(minutes=5), active_users=400, group_messages=400)
    minute("inferred", ago(minutes=4), 5, active_users=500)
    minute("inferred", ago(minutes=5), active_users=400, group_messages=400)
    assert {subject: round(value, 3) for subject, value in rows.client.execute(BY_NAME[name].sql)} == {"low": 0.2, "inferred": 0.1}
    assert firing(rows, BY_NAME[name]) == {"low", "inferred"}


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
