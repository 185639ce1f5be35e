"""`livepulse migrate` on a database that is in use."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import orjson
import pytest

from pipelines.produce import Sender
from pipelines.settings import Settings
from tests.conftest import Cli, run_cli, settings_of, stack_environment
from tests.e2e.pipeline import query, wait_for
from tests.golden.case import TIME_ZONE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Cli]]:
    """Kafka and ClickHouse, with tables, and `livepulse` that talks to them; no Flink."""
    environment = stack_environment(tmp_path_factory.mktemp("migrated"))

    def cli(*arguments: str, **overrides: str) -> subprocess.CompletedProcess[str]:
        return run_cli(environment | overrides, *arguments)

    try:
        for arguments in (("up", "kafka", "clickhouse"), ("migrate",)):
            done = cli(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        yield settings_of(environment), cli
    finally:
        cli("down")


def test_nothing_is_lost_while_records_arrive(migrated: tuple[Settings, Cli]) -> None:
    """Each row of the metric goes into two tables, each event into one: afterwards all three have everything."""
    settings, cli = migrated
    over, sent = threading.Event(), []

    def feed() -> None:
        with Sender(settings.kafka_address) as sender:
            while not over.is_set():
                name, now = f"b{sender.sent}", int(time.time() * 1_000)
                row = {"room_id": "fed", "broadcast_id": name, "window_start": "2026-01-01 00:00:00", "viewers_10s": [1] * 6}
                row["last_record_at"] = "2026-01-01 00:00:00.000"
                event = {
                    "event_id": name,
                    "event_time": now,
                    "schema_version": 1,
                    "platform": "p",
                    "room_id": "fed",
                    "user_id": "u",
                }
                event |= {"stream_id": name, "text": "hello"}
                sender.send("metric_dwell_broadcast_slots", name, orjson.dumps(row), now)
                sender.send("comment", name, orjson.dumps(event), now)
                time.sleep(0.001)
        sent.append(sender.sent // 2)

    tables = ("broadcast_10s_counters", "broadcast_concurrency_1m_counters", "comment_event")

    def stored() -> list[int]:
        sql = "SELECT uniqExact(broadcast_id) FROM {} WHERE room_id = 'fed'"
        return [query(settings, sql.format(table))[0][0] for table in tables]

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        for _ in range(2):
            before = stored()

            def more(before: list[int] = before) -> bool:
                return all(now > then for now, then in zip(stored(), before, strict=True))

            wait_for(more, "more is stored")
            done = cli("migrate")
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        over.set()
        feeder.join()
    wait_for(lambda: stored() == [sent[0]] * len(tables), f"all {sent[0]} in each table", 60)


@pytest.mark.parametrize(
    ("setting", "value", "was"),
    [("TIME_ZONE", "UTC", TIME_ZONE), ("LATENESS_SECONDS", "60", "3600"), ("FUTURE_SECONDS", "60", "300")],
)
def test_rules_that_stored_events_were_not_labelled_by_are_refused(
    migrated: tuple[Settings, Cli], setting: str, value: str, was: str
) -> None:
    settings, cli = migrated
    sql = "SELECT name, uuid, as_select FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    before = query(settings, sql)
    done = cli("migrate", **{f"LIVEPULSE_{setting}": value})
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1
    assert f"LIVEPULSE_{setting} is {value}, but was {was} when the database livepulse was made" in said
    assert "Set it back" in said
    assert query(settings, sql) == before
