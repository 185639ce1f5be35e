"""The views of visits, through Kafka and ClickHouse: where one starts and ends, whose it is, and which day's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.settings import Settings
from tests.e2e.pipeline import new_prefix, prefixed, query, send, wait_for
from tests.golden.case import TIME_ZONE
from tests.realdata.record import Record

MIDNIGHT = datetime(2021, 5, 5, tzinfo=ZoneInfo(TIME_ZONE))
"""When the day that is asked for begins. Seconds below are after it."""
DAY = 86_400
BETWEEN = "(first_day = '2021-05-05', last_day = '2021-05-05')"

Sent = tuple[str, float, str, dict[str, Any]]

VIEWS: list[Sent] = [
    # A visit with a copy of its `enter`, and beats until it leaves. The client leaves twice.
    *(("view", 100, "ann", {"action": "enter", "stream_id": "s1", "source": "feed"}) for _ in range(2)),
    ("view", 100, "ann", {"action": "heartbeat", "stream_id": "s1", "source": "feed"}),
    ("view", 160, "ann", {"action": "heartbeat", "stream_id": "s2", "source": "paid"}),
    ("view", 165, "ann", {"action": "leave", "stream_id": "s2", "source": "paid"}),
    ("view", 170, "ann", {"action": "leave", "stream_id": "s2", "source": "paid"}),
    # She is back without an `enter`, in another broadcast, and is silent for a second more than may be.
    ("view", 175, "ann", {"action": "heartbeat", "stream_id": "s2", "source": "search"}),
    ("view", 236, "ann", {"action": "heartbeat", "stream_id": "s2", "source": "search"}),
    # Its `leave` is believed after an hour.
    ("view", 3_836, "ann", {"action": "leave", "stream_id": "s2", "source": "search"}),
    # Nobody entered for this one.
    ("view", 300, "bob", {"action": "leave", "stream_id": "s1", "source": "feed"}),
    # Over both midnights: the first visit is the day's before, the last one is this day's.
    ("view", -30, "cid", {"action": "enter", "stream_id": "s0", "source": "feed"}),
    ("view", 20, "cid", {"action": "heartbeat", "stream_id": "s0", "source": "feed"}),
    ("view", DAY - 1, "cid", {"action": "enter", "stream_id": "s9", "source": "share"}),
    ("view", DAY + 50, "cid", {"action": "heartbeat", "stream_id": "s9", "source": "share"}),
    ("view", DAY + 90, "cid", {"action": "enter", "stream_id": "s9", "source": "share"}),
]
BEFORE = ("cid", "s0", "feed", -30, 20, 0)
VISITS = [
    ("ann", "s1", "feed", 100, 165, 1),
    ("ann", "s2", "search", 175, 175, 0),
    ("ann", "s2", "search", 236, 3_836, 1),
    ("cid", "s9", "share", DAY - 1, DAY + 50, 0),
]
AFTER = ("cid", "s9", "share", DAY + 90, DAY + 90, 0)

ORDER = {"order_id": "o1", "product_id": "p", "quantity": 1, "amount": 1, "currency": "CNY"}
ACTIVITIES: list[Sent] = [
    *(("comment", 0, "ann", {"event_id": "c1", "stream_id": "s1", "text": "?"}) for _ in range(2)),
    ("like", 300, "ann", {"count": 3, "stream_id": "s2"}),
    # Silent for a second more than may be. Its order counts once, where it was first paid.
    ("group_message", 601, "ann", {"group_id": "g", "text": "?", "role": "member", "stream_id": "s2"}),
    *(
        ("order", second, "ann", ORDER | {"status": status})
        for second, status in ((700, "created"), (800, "paid"), (5_000, "paid"), (850, "refunded"))
    ),
    ("comment", -10, "bob", {"stream_id": "s0", "text": "?"}),
    ("comment", 10, "bob", {"stream_id": "s0", "text": "?"}),
]  # fmt: skip
RUNS_BEFORE = ("bob", "s0", -10, 10, 2)
RUNS = [("ann", "s1", 0, 300, 2), ("ann", "s2", 601, 800, 3)]


@pytest.fixture(scope="module")
def prefix(stack: Settings) -> str:
    """What the ids begin with of a room in which all of this has happened, and of everyone in it."""
    prefix = new_prefix()
    sent = [*VIEWS, *ACTIVITIES]
    send(stack, records(prefix, sent))
    tables = " UNION ALL ".join(
        f"SELECT _offset FROM {topic}_event WHERE room_id = %(room)s" for topic in sorted({topic for topic, *_ in sent})
    )
    wait_for(lambda: query(stack, f"SELECT count() FROM ({tables})", room=f"{prefix}room") == [(len(sent),)], "all of it stored")
    return prefix


def records(prefix: str, sent: Iterable[Sent]) -> Iterable[Record]:
    """The events, each received as it happens, with ids that nothing else in the pipeline has."""
    for number, (topic, second, user, fields) in enumerate(sent):
        at = int((MIDNIGHT + timedelta(seconds=second)).timestamp() * 1_000)
        event = {
            "event_id": str(number),
            "event_time": at,
            "schema_version": 1,
            "platform": "douyin",
            "room_id": "room",
            "user_id": user,
        }
        key = user if topic == "order" else "room"
        yield prefixed(Record(topic, key.encode(), at, json.dumps(event | fields).encode()), prefix)


def after_midnight(moment: datetime) -> float:
    return (moment.replace(tzinfo=UTC) - MIDNIGHT).total_seconds()


@pytest.mark.parametrize(("asked", "expected"), [("", [*VISITS, BEFORE, AFTER]), (BETWEEN, VISITS)], ids=["all days", "one day"])
def test_viewer_sessions(asked: str, expected: list[tuple[Any, ...]], prefix: str, stack: Settings) -> None:
    view = f"viewer_session_between{asked}" if asked else "viewer_session"
    sql = f"SELECT user_id, broadcast_id, source, started_at, ended_at, has_left, seconds FROM {view} WHERE room_id = %(room)s"
    found = [
        (user.removeprefix(prefix), broadcast, source, after_midnight(start), after_midnight(end), left, seconds)
        for user, broadcast, source, start, end, left, seconds in query(stack, sql, room=f"{prefix}room")
    ]
    assert sorted(found) == sorted((*visit, visit[4] - visit[3]) for visit in expected)


@pytest.mark.parametrize(("asked", "expected"), [("", [*RUNS, RUNS_BEFORE]), (BETWEEN, RUNS)], ids=["all days", "one day"])
def test_activity_sessions(asked: str, expected: list[tuple[Any, ...]], prefix: str, stack: Settings) -> None:
    view = f"activity_session_between{asked}" if asked else "activity_session"
    sql = f"SELECT user_id, broadcast_id, started_at, ended_at, activities FROM {view} WHERE room_id = %(room)s"
    found = [
        (user.removeprefix(prefix), broadcast, after_midnight(start), after_midnight(end), activities)
        for user, broadcast, start, end, activities in query(stack, sql, room=f"{prefix}room")
    ]
    assert sorted(found) == sorted(expected)
