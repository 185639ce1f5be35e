"""`livepulse doctor` on a stack that is well, and on one that is not: each broken state is made for real, and named."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from clickhouse_driver import Client
from confluent_kafka import Consumer

from pipelines.clickhouse import connect
from pipelines.doctor import database, inserts, letters, tables, verified
from pipelines.doctor.finding import Finding, Level
from pipelines.doctor.run import GROUPS, examine
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.storage import MIGRATIONS
from tests.conftest import Cli, free_port
from tests.e2e.pipeline import new_prefix, query, send, wait_for

Found = dict[str, dict[str, str]]
"""Check -> level, seen, help."""


def examined(cli: Cli, **overrides: str) -> tuple[int, Found]:
    """How the doctor ended and what it found."""
    done = cli("doctor", "--json", **overrides)
    assert "Traceback" not in done.stderr
    report: dict[str, Any] = orjson.loads(done.stdout)
    levels = list(Level)
    order = [levels.index(one["level"]) for one in report["findings"]]
    assert order == sorted(order), "the worst come first"
    assert all(one["help"] for one in report["findings"] if one["level"] != Level.OK)
    return done.returncode, {one["check"]: one for one in report["findings"]}


def levels_of(found: list[Finding]) -> dict[str, Level]:
    return {one.check: one.level for one in found}


# First: what comes later makes the stack ill.


def test_a_healthy_stack_has_no_problem(cli: Cli) -> None:
    began = time.monotonic()
    code, found = examined(cli)
    assert [one for one in found.values() if one["level"] == Level.PROBLEM] == []
    assert code == 0
    # Nobody need have verified this stack yet, and Flink reports its figures some time after it started.
    assert {one["check"] for one in found.values() if one["level"] == Level.UNKNOWN} <= {"verify", "lag of flink"}
    wanted = {
        "kafka",
        "flink",
        "clickhouse",
        "process taskmanager",
        "installed parts",
        "jobs",
        "topics",
        "migrations",
        "queues",
        "views",
    }
    wanted |= {"process zookeeper", "application livepulse", "build of livepulse", "checkpoints of livepulse"}
    wanted |= {"reader clickhouse-livepulse", "disk default of clickhouse", "clock of this machine", "days in one insert"}
    assert found.keys() >= wanted
    assert {found[check]["level"] for check in wanted} == {Level.OK}, found
    assert time.monotonic() - began < 20


def test_for_people_it_is_a_table_that_ends_with_a_count(cli: Cli, stack: Settings) -> None:
    before = query(stack, "SELECT count() FROM system.tables WHERE database = currentDatabase()")
    done = cli("doctor", LIVEPULSE_KAFKA=f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    first = next(line for line in done.stdout.splitlines() if line.startswith("problem"))
    assert "kafka" in first and "nobody listens there" in first
    assert "→ LIVEPULSE_KAFKA sets this address" in done.stdout
    assert "needs kafka" in done.stdout
    assert "all 4 run, in livepulse" in done.stdout, "the others are looked at all the same"
    assert "kafka_broker_list" in done.stdout, "ClickHouse's queues read another Kafka"
    assert "was made from other SQL, settings or jars" in done.stdout, "and so does Flink"
    assert done.stdout.splitlines()[-1].endswith(" ok")
    assert query(stack, "SELECT count() FROM system.tables WHERE database = currentDatabase()") == before


# Tables: a database of its own, with rows as a broken pipeline leaves them.


@pytest.fixture
def own(stack: Settings) -> Iterator[tuple[Settings, Client]]:
    """Settings and a client of a database with every table and nothing in it."""
    name = f"doctor_{uuid.uuid4().hex[:8]}"
    settings = stack.model_copy(update={"clickhouse_database": name})
    with connect(stack) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        with connect(settings) as client:
            for path in sorted(MIGRATIONS.glob("*.sql")):
                for statement in filter(str.strip, path.read_text(encoding="utf-8").split(";\n")):
                    client.execute(statement)
            yield settings, client
        admin.execute(f"DROP DATABASE {name}")


def put(client: Client, table: str, **columns: object) -> None:
    client.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", [tuple(columns.values())])


def now(**ahead: float) -> datetime:
    return datetime.now(UTC) + timedelta(**ahead)


def test_tables_without_queues_and_columns(own: tuple[Settings, Client]) -> None:
    settings, client = own
    client.execute("CREATE VIEW room_1m AS SELECT * FROM room_1m_counters FINAL")
    counted = "SELECT * FROM like_event FINAL WHERE NOT is_late ORDER BY _partition, _offset LIMIT 1 BY event_id"
    client.execute(f"CREATE VIEW like_counted AS {counted}")
    found = {one.check: one for one in database.look(settings) if one.level != Level.OK}
    assert {check: one.level for check, one in found.items()} == dict.fromkeys(
        ("migrations", "tables and views", "views"), Level.PROBLEM
    )
    assert "make them: room_1m" in found["views"].seen, "and like_counted is as it should be, but for its line breaks"
    client.execute("ALTER TABLE comment_event DROP COLUMN text")
    columns = database._columns(client)
    assert "comment_event.text" in database.judge_columns({"comment_event": {"text"}}, columns).seen
    assert levels_of(tables.look(settings))["clickhouse's readers"] == Level.PROBLEM


def test_a_database_that_is_not_there_is_named_and_clickhouse_goes_on(stack: Settings) -> None:
    found = {one.check: one for one in examine(stack.model_copy(update={"clickhouse_database": "nowhere"}))}
    assert found["migrations"].seen == "there is no database nowhere"
    assert [one.seen for one in found.values() if one.seen.startswith("needs ")] == ["needs database"] * 5
    assert query(stack, "SELECT 1") == [(1,)]


def test_a_mutation_that_fails(own: tuple[Settings, Client]) -> None:
    settings, client = own
    put(client, "verify_result", checked_at=now(), subject="x", wrong=1)
    assert levels_of(tables.look(settings))["mutations"] == Level.OK
    update = "ALTER TABLE verify_result UPDATE lost = throwIf(wrong = 1, 'by a test') WHERE 1"
    client.execute(update, settings={"mutations_sync": 0})
    found = wait_for(
        lambda: [one for one in tables.look(settings) if one.check == "mutations" and one.level == Level.PROBLEM], "it"
    )
    assert "by a test" in found[0].seen
    client.execute("KILL MUTATION WHERE database = currentDatabase() SYNC")


def test_clocks_ahead_late_events_and_foreign_records(own: tuple[Settings, Client]) -> None:
    settings, client = own
    for number in range(letters.LEAST):
        place: dict[str, object] = {"_partition": 0, "_offset": number}
        put(client, "view_event", event_time=now(), received_at=now(minutes=10), **place)
        put(client, "like_event", event_time=now(hours=-2), received_at=now(), is_late=True, **place)
    put(client, "dead_letter", reason="unreadable_metric", _topic="metric_room_10s", received_at=now())
    found = {one.check: one for one in letters.look(settings)}
    assert found["clocks of producers of view"].seen.startswith(
        "20 of 20 records in 10 min have a Kafka timestamp in the future, by 10 min"
    )
    assert found["clocks of producers of like"].seen.startswith("20 of 20 records in 10 min are over 60 min behind")
    assert found["metric topics"].level == Level.PROBLEM
    assert found["dead letters"].level == found["clock of this machine"].level == Level.OK


def test_a_server_that_would_refuse_a_long_replay(own: tuple[Settings, Client]) -> None:
    settings, client = own
    client.execute("CREATE VIEW ingest_settings AS SELECT 100 AS max_partitions_per_insert_block")
    [found] = inserts.look(settings)
    assert (found.level, "more than 100 days" in found.seen) == (Level.WARNING, True)


def test_what_verify_said_last(own: tuple[Settings, Client]) -> None:
    settings, client = own
    assert verified.look(settings)[0].level == Level.UNKNOWN
    put(client, "verify_result", checked_at=now(minutes=-5), subject="room_1m", wrong=3)
    assert "room_1m 3" in verified.look(settings)[0].seen
    put(client, "verify_result", checked_at=now(minutes=-1), subject="room_1m")
    assert verified.look(settings)[0].level == Level.OK


# Kafka: everything at once, and looked at once, since to watch a reader that does not move takes seconds.


@pytest.fixture(scope="module")
def ill(stack: Settings, cli: Cli) -> Iterator[tuple[int, Found]]:
    """What the doctor says of a reader that is stuck, malformed events, and a producer whose clients are ten minutes ahead."""
    prefix, moment = new_prefix(), int(time.time() * 1_000)

    def event(number: int, **fields: object) -> bytes:
        base = {"event_id": f"{prefix}{number}", "event_time": moment, "schema_version": 1, "platform": "test"}
        return orjson.dumps(
            base | {"room_id": f"{prefix}room", "user_id": f"{prefix}u", "action": "cart", "product_id": "p"} | fields
        )

    count = 150 + _records_lately(stack, "product") + _records_lately(stack, "group_message")
    send(stack, [Record("group_message", "bad", moment, event(number)) for number in range(count)])
    send(stack, [Record("product", "ahead", moment, event(n, event_time=moment + 600_000)) for n in range(count)])
    group = f"{prefix}stuck"
    with closing(_idle_reader(stack, group)):
        sql = "SELECT count() FROM dead_letter FINAL WHERE position(raw, %(prefix)s) > 0"
        wait_for(lambda: query(stack, sql, prefix=prefix) == [(2 * count,)], "the dead letters")
        code, found = examined(cli)
    yield code, {check.replace(group, "stuck"): one for check, one in found.items()}


def _records_lately(settings: Settings, topic: str) -> int:
    """What other tests have sent: the burst must be a noticeable share."""
    recent = "inserted_at >= now() - INTERVAL 11 MINUTE AND received_at >= now() - INTERVAL 1 DAY"
    return int(query(settings, f"SELECT count() FROM {topic}_event WHERE {recent}")[0][0])


def _idle_reader(settings: Settings, group: str) -> Consumer:
    """A member of a group that has read one record of group_message, and does not go on."""
    reader = Consumer(
        {
            "bootstrap.servers": settings.kafka_address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    reader.subscribe(["group_message"])
    record = wait_for(lambda: reader.poll(1), "a record for the reader")
    assert record is not None
    reader.commit(message=record, asynchronous=False)
    return reader


def test_malformed_events_are_named_by_topic_and_reason(ill: tuple[int, Found]) -> None:
    found = ill[1]["dead letters of group_message"]
    assert found["level"] in (Level.WARNING, Level.PROBLEM)
    assert "missing_field group_id" in found["seen"]
    assert found["help"] == "livepulse dead-letters list --topic group_message"


def test_a_skewed_clock_is_named_by_topic(ill: tuple[int, Found]) -> None:
    found = ill[1]["clocks of producers of product"]
    assert found["level"] == Level.WARNING
    assert "are over 5 min ahead of their Kafka timestamp" in found["seen"]


def test_a_stuck_reader_is_named_by_group_and_topic(ill: tuple[int, Found]) -> None:
    found = ill[1]["reader stuck"]
    assert found["level"] == Level.WARNING
    assert "group_message (" in found["seen"]
    assert ill[1]["reader clickhouse-livepulse"]["level"] == Level.OK


def test_every_group_of_checks_has_a_name_of_its_own() -> None:
    assert len({group.name for group in GROUPS}) == len(GROUPS)
