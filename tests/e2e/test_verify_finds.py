"""What `livepulse verify` is for: it finds a record that is stored nowhere or twice, and a counter that is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.clickhouse import connect
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from pipelines.verify.counters import check_counters
from pipelines.verify.records import check_records
from pipelines.verify.result import Check
from tests.e2e.pipeline import new_prefix, query, send, wait_for


@contextmanager
def without(settings: Settings, table: str, where: str) -> Iterator[None]:
    """A table while it lacks some of its rows."""
    kept = f"kept_{new_prefix().rstrip('-')}"
    query(settings, f"CREATE TABLE {kept} ENGINE = Memory AS SELECT * FROM {table} WHERE {where}")
    query(settings, f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1")
    try:
        yield
    finally:
        query(settings, f"INSERT INTO {table} SELECT * FROM {kept}")
        query(settings, f"DROP TABLE {kept}")


def simulated() -> tuple[str, list[Record]]:
    prefix = new_prefix() + "room"
    start = int(time.time() * 1_000) - 120_000
    made = Simulation(SimulationSettings(start_ms=start, seed=5, rate=200, rooms=1, events=1_500, room_prefix=prefix, malformed=0))
    return prefix, list(made.records())


def records(settings: Settings) -> dict[str, Check]:
    with connect(settings) as client:
        return {check.subject: check for check in check_records(settings, client, wait_seconds=0)}


def counters(settings: Settings) -> dict[str, Check]:
    with connect(settings) as client:
        return {check.subject: check for check in check_counters(settings, client, settle_seconds=0)}


def test_what_is_lost_extra_or_wrong_is_found(stack: Settings) -> None:
    prefix, sent = simulated()
    send(stack, sent)
    wait_for(lambda: all(check.holds for check in records(stack).values()), "every record is stored")
    wait_for(lambda: all(check.holds for check in counters(stack).values()), "every counter is right")
    [(partition, offset)] = query(
        stack, "SELECT _partition, min(_offset) FROM view_event WHERE startsWith(room_id, %(p)s) GROUP BY 1 LIMIT 1", p=prefix
    )
    place = f"_partition = {partition} AND _offset = {offset}"

    with without(stack, "view_event", place):
        lost = records(stack)["view"]
        assert (lost.lost, lost.extra) == (1, 0)
        assert lost.examples == [f"partition {partition} offset {offset} is in Kafka only"]

    query(
        stack,
        f"""INSERT INTO dead_letter (reason, field, raw, _topic, _partition, _offset, received_at)
        SELECT 'wrong_type', '', '', 'view', _partition, _offset, received_at FROM view_event WHERE {place}""",
    )
    twice = records(stack)["view"]
    query(stack, f"ALTER TABLE dead_letter DELETE WHERE _topic = 'view' AND {place} SETTINGS mutations_sync = 1")
    assert (twice.lost, twice.extra) == (0, 1)

    of_room = f"startsWith(room_id, '{prefix}')"
    with without(stack, "room_1m_counters", of_room):
        missing = counters(stack)["room_1m (dwell)"]
        assert missing.lost > 0 and not (missing.extra or missing.wrong)
        query(
            stack,
            f"""INSERT INTO room_1m_counters (room_id, window_start, viewers)
            SELECT DISTINCT room_id, toStartOfMinute(event_time), 1000000 FROM view_event WHERE {of_room} AND NOT is_late""",
        )
        wrong = counters(stack)["room_1m (dwell)"]
        assert wrong.wrong > 0
        query(stack, f"ALTER TABLE room_1m_counters DELETE WHERE {of_room} SETTINGS mutations_sync = 1")

    assert all(check.holds for check in (*records(stack).values(), *counters(stack).values()))
