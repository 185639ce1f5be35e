"""`livepulse dashboards check`: passes on a simulated broadcast, and fails for each thing that it is there to find."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

import pipelines.grafana.check as checking
from dashboards import DASHBOARDS
from dashboards.query import read
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from tests.e2e.pipeline import new_prefix, query, send, wait_for

HOURS = 2.0


@pytest.fixture(scope="module")
def broadcast(stack: Settings) -> Settings:
    """The session's stack with a broadcast in it, and Flink's figures."""
    start = int(time.time() * 1_000) - 900_000
    send(stack, Simulation(SimulationSettings(start_ms=start, seed=41, rate=40, rooms=5, events=36_000)).records())
    wait_for(lambda: query(stack, "SELECT count() FROM room_1m WHERE window_start >= now() - 900")[0][0] > 40, "minutes of rooms")
    wait_for(lambda: query(stack, "SELECT count() FROM buyer_day WHERE day >= today() - 1")[0][0] > 10, "buyers")
    wait_for(lambda: query(stack, "SELECT count() FROM flink_metric WHERE metric = 'pendingRecords'")[0][0] > 0, "Flink's figures")
    return stack


def problems(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str], dashboards: Iterable[str] = DASHBOARDS
) -> dict[str, str]:
    """Panel -> problem, with some panels' statements replaced; what is slow on a busy machine is not asked."""
    monkeypatch.setattr(checking, "LIMIT_MS", 10_000)
    monkeypatch.setattr(checking, "_TRIES", 1)
    monkeypatch.setattr(checking, "read", lambda dashboard, name: broken.get(name) or read(dashboard, name))
    return {
        f"{one.dashboard}/{one.panel} ({one.chosen})": one.problem
        for one in checking.run(settings, HOURS, dashboards)
        if one.problem
    }


def mismatches(settings: Settings) -> int:
    """Comparisons of two types of time that ClickHouse has met since it started."""
    return int(query(settings, "SELECT sum(value) FROM system.errors WHERE name = 'TYPE_MISMATCH'")[0][0])


def test_every_panel_answers_whatever_is_chosen(broadcast: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = mismatches(broadcast)
    assert problems(broadcast, monkeypatch, {}) == {}
    # The board of the pipeline shows ClickHouse's errors: looking at it makes none. Times in ms want `toDateTime64`, `now64`.
    assert mismatches(broadcast) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT window_start AS time, broken AS audience FROM room_10s", "broken"),
        ("SELECT window_start AS time, audience FROM room_10s WHERE room_id = '$room'", "would be pasted"),
        (
            "SELECT window_start AS time, audience AS viewers_now FROM room_10s WHERE room_id IN (${room:sqlstring})",
            "instead of audience",
        ),
        ("SELECT window_start AS time, audience FROM room_10s WHERE room_id IN (${room:sqlstring}) AND 0", "is empty"),
    ],
)
def test_a_broken_panel_is_found(broadcast: Settings, monkeypatch: pytest.MonkeyPatch, statement: str, said: str) -> None:
    found = problems(broadcast, monkeypatch, {"watching": statement}, ["live_room"])
    assert found and all(name.startswith("live_room/watching") and said in problem for name, problem in found.items()), found


def test_a_slow_panel_is_found(broadcast: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LIMIT_MS", 0)
    assert all("takes over 0 ms" in one.problem for one in checking.run(broadcast, HOURS, ["live_room"]) if one.rows)


def test_only_what_somebody_watched_or_took_part_in_is_offered_as_a_broadcast(stack: Settings) -> None:
    now = datetime.now(UTC)
    room = new_prefix() + "room"
    of_room: dict[str, Any] = {
        "event_time": int(now.timestamp() * 1_000),
        "schema_version": 1,
        "platform": "test",
        "room_id": room,
        "user_id": "u1",
    }

    def tell(topic: str, **fields: str) -> None:
        send(stack, [Record(topic, "k", of_room["event_time"], orjson.dumps(of_room | {"event_id": new_prefix()} | fields))])

    def offered() -> list[str]:
        chosen = Selection(now - timedelta(minutes=5), now + timedelta(minutes=5), 10, {"room": [room], "broadcast": []})
        return [row[0] for row in Reader(stack).run(*bind(read("variables", "broadcast"), chosen)).rows]

    tell("group_message", group_id=f"{room}-group", role="member", text="hello")
    sql = "SELECT group_messages FROM broadcast WHERE room_id = %(room)s"
    wait_for(lambda: query(stack, sql, room=room) == [(1,)], "the group's message")
    assert offered() == []
    tell("comment", text="hello", stream_id="evening")
    assert wait_for(offered, "the broadcast that somebody took part in") == ["evening"]
