"""`livepulse verify` where it runs for months: events and dead letters expire, services go away, a topic is not there.

Rows do expire here: they are stored as of days ago and ClickHouse's own TTL deletes them. What is left out is counted, and
what is wrong in the rest is still found.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_driver import Client
from kafka.admin import KafkaAdminClient

from jobs.catalogue import FRESHNESS, jobs
from pipelines.clickhouse import connect
from pipelines.kafka import kafka_python
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.storage import _apply_migrations, plumbing, retention_days, set_retention, tables
from pipelines.verify.counters import check_counters
from pipelines.verify.records import check_records
from pipelines.verify.result import Check
from schemas.events.base import USER
from schemas.grains import grains
from tests.conftest import run_cli, settings_of, stack_environment
from tests.e2e.pipeline import send, wait_for

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Kafka and ClickHouse of its own, without Flink."""
    found = stack_environment(tmp_path_factory.mktemp("stack")) | {"LIVEPULSE_DEAD_LETTER_TTL_DAYS": "2"}
    try:
        for arguments in (("up", "kafka", "clickhouse"), ("migrate",)):
            done = run_cli(found, *arguments)
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        yield found
    finally:
        run_cli(found, "down")


@pytest.fixture
def own(environment: dict[str, str]) -> Iterator[tuple[Settings, Client]]:
    """A database without queues, which keeps events for seven days."""
    name = f"retention_{uuid.uuid4().hex[:8]}"
    settings = settings_of(environment | {"LIVEPULSE_EVENT_TTL_DAYS": "7", "LIVEPULSE_CLICKHOUSE_DATABASE": name})
    _apply_migrations(settings)
    with connect(settings) as client:
        for statement in plumbing(settings):
            if statement.startswith("CREATE VIEW"):
                client.execute(statement)
        yield settings, client
        client.execute(f"DROP DATABASE {name}")


def age(client: Client) -> None:
    """Has the database be a year old."""
    then = "SELECT version, script, md5, now() - INTERVAL 1 YEAR FROM schema_versions"
    client.execute(f"INSERT INTO schema_versions (version, script, md5, created_at) {then}")


def expire(settings: Settings, client: Client) -> None:
    """Deletes what is older than the settings say, as ClickHouse does some hours later by itself."""
    set_retention(settings, client)
    for table in tables():
        if retention_days(settings, table):
            client.execute(f"OPTIMIZE TABLE {table.name} FINAL")


def store(client: Client, topic: str, days_ago: float, **columns: object) -> None:
    """Stores an event of so many days ago, as if it had been received and stored then."""
    moment = NOW - timedelta(days=days_ago)
    [(offset,)] = client.execute(f"SELECT count() FROM {topic}_event")
    row = {"event_time": moment, "day": moment.date(), "received_at": moment, "inserted_at": moment, "_offset": offset} | columns
    client.execute(f"INSERT INTO {topic}_event ({', '.join(row)}) VALUES", [tuple(row.values())])


def view(client: Client, days_ago: float, broadcast: str, **columns: object) -> None:
    store(client, "view", days_ago, room_id="room", broadcast_id=broadcast, user_id="ann", action="enter", **columns)


def pay(client: Client, days_ago: float, buyer: str) -> None:
    order = f"{buyer}{days_ago}"
    of = {"room_id": "room", "broadcast_id": order, "user_id": buyer, "order_id": order, "currency": "CNY"}
    store(client, "order", days_ago, status="paid", quantity=1, amount=1, **of)


def count(client: Client) -> None:
    """Fills the counters as the jobs do, from what is stored now."""
    for job in jobs().values():
        for name, spec in job.tables.items():
            grain = grains()[name]
            wanted = grain.batch_keys | {counter: job.counters[counter].batch_over(spec.batch) for counter in spec.counters}
            wanted[FRESHNESS] = "max(event_time)"
            if USER in grain.keys:
                wanted["inserted_at"] = "max(event_time)"
            client.execute(
                f"INSERT INTO {grain.storage} ({', '.join(wanted)}) SELECT {', '.join(wanted.values())}"
                f" FROM ({job.batch[spec.batch]}) GROUP BY {', '.join(grain.batch_keys.values())}",
                {"first_day": date(1970, 1, 1)},  # all events are there
            )


def checked(settings: Settings, client: Client) -> dict[str, Check]:
    return {check.subject: check for check in check_counters(settings, client, settle_seconds=0)}


def seen(check: Check) -> tuple[int, int, int, int, int]:
    return check.compared, check.left_out, check.lost, check.extra, check.wrong


def test_rows_whose_events_may_have_expired_are_left_out(own: tuple[Settings, Client]) -> None:
    settings, client = own
    age(client)
    view(client, 9, "over")
    view(client, 7, "long")
    view(client, 4, "long")
    view(client, 1, "new")
    count(client)
    assert all(check.holds for check in checked(settings, client).values())
    expire(settings, client)
    assert client.execute("SELECT count() FROM view_event") == [(2,)]
    found = checked(settings, client)
    assert [name for name, check in found.items() if not check.holds] == []
    windows, wholes = found["room_1m (dwell)"], found["broadcast (dwell)"]
    assert seen(windows) == seen(found["broadcast_10s (dwell)"]) == (2, 2, 0, 0, 0)
    assert seen(wholes) == (1, 2, 0, 0, 0), "half of `long` has expired"

    new = {"room_id": "room", "window_start": NOW - timedelta(days=1), "viewers": 9}
    client.execute(f"INSERT INTO room_1m_counters ({', '.join(new)}) VALUES", [tuple(new.values())])
    client.execute("INSERT INTO broadcast_counters (room_id, broadcast_id, viewers) VALUES", [("room", "new", 9)])
    client.execute("ALTER TABLE broadcast_10s_counters DELETE WHERE broadcast_id = 'new' SETTINGS mutations_sync = 1")
    found = checked(settings, client)
    assert seen(found["room_1m (dwell)"]) == (2, 2, 0, 0, 1)
    assert seen(found["broadcast (dwell)"]) == (1, 2, 0, 0, 1)
    assert seen(found["broadcast_10s (dwell)"]) == (2, 2, 1, 0, 0)


def test_products_shown_before_anybody_watched(own: tuple[Settings, Client]) -> None:
    settings, client = own
    age(client)
    of = {"room_id": "room", "broadcast_id": "b", "user_id": "ann"}
    store(client, "product", 7.1, action="expose", product_id="p", **of)
    store(client, "product", 5.5, action="click", product_id="p", **of)
    view(client, 6.6, "b")
    store(client, "product", 1, action="expose", product_id="p", room_id="room", broadcast_id="alone", user_id="ann")
    count(client)
    expire(settings, client)
    assert client.execute("SELECT count() FROM product_event") == [(2,)]
    found = checked(settings, client)
    assert [name for name, check in found.items() if not check.holds] == []
    assert seen(found["broadcast_product (conversion)"]) == (1, 1, 0, 0, 0)


def test_who_bought_before_the_events_begin_is_known_by_day(own: tuple[Settings, Client]) -> None:
    settings, client = own
    age(client)
    for days_ago, buyer in ((12, "old"), (3.5, "old"), (2, "old"), (3, "new"), (1, "new")):
        pay(client, days_ago, buyer)
    count(client)
    expire(settings, client)
    found = checked(settings, client)
    assert [name for name, check in found.items() if not check.holds] == []
    # Both of old's orders that are still there are repeats, the first by what buyer_day says; and new's second.
    assert seen(found["room_10s (repurchase)"]) == seen(found["room_1m (repurchase)"]) == (3, 0, 0, 0, 0)
    assert seen(found["broadcast (repurchase)"]) == (3, 0, 0, 0, 0)
    assert seen(found["buyer_day (repurchase)"]) == (4, 1, 0, 0, 0)

    first = {"room_id": "room", "window_start": NOW - timedelta(days=3), "repeat_orders": 1}
    client.execute(f"INSERT INTO room_1m_counters ({', '.join(first)}) VALUES", [tuple(first.values())])
    assert seen(checked(settings, client)["room_1m (repurchase)"]) == (4, 0, 0, 1, 0), "it is new's first"


def test_days_of_buyers_that_are_kept_shorter_than_events(own: tuple[Settings, Client]) -> None:
    settings, client = own
    settings = settings.model_copy(update={"person_ttl_days": 4})
    age(client)
    for days_ago, buyer in ((10, "old"), (4, "old"), (2, "old"), (1, "new")):
        pay(client, days_ago, buyer)
    count(client)
    expire(settings, client)
    assert client.execute("SELECT uniqExact(day) FROM buyer_day_counters") == [(2,)]
    found = checked(settings, client)
    assert [name for name, check in found.items() if not check.holds] == []
    assert seen(found["room_1m (repurchase)"]) == (1, 1, 0, 0, 0)
    assert seen(found["buyer_day (repurchase)"]) == (2, 1, 0, 0, 0)


def test_a_longer_retention_keeps_what_is_stored_and_brings_nothing_back(own: tuple[Settings, Client]) -> None:
    settings, client = own
    age(client)
    view(client, 9, "over")
    view(client, 1, "new")
    count(client)
    expire(settings, client)
    longer = settings.model_copy(update={"event_ttl_days": 30})
    set_retention(longer, client)
    wait_for(lambda: client.execute("SELECT count() FROM system.mutations WHERE NOT is_done") == [(0,)], "the mutations are done")
    parts = "FROM system.parts WHERE database = currentDatabase() AND table = 'view_event' AND active AND rows > 0"
    assert client.execute(f"SELECT delete_ttl_info_max {parts}") == [((NOW + timedelta(days=29)).replace(tzinfo=None),)]
    assert client.execute("SELECT days_before, days FROM retention_change WHERE table = 'view_event'") == [(7, 30)]
    found = checked(longer, client)
    assert [name for name, check in found.items() if not check.holds] == []
    assert seen(found["room_1m (dwell)"]) == seen(found["broadcast (dwell)"]) == (1, 1, 0, 0, 0)


def test_in_a_young_database_nothing_is_left_out_however_old_the_events(own: tuple[Settings, Client]) -> None:
    settings, client = own
    for days_ago in (1_000, 900):
        view(client, days_ago, f"b{days_ago}", inserted_at=datetime.now(UTC))
    count(client)
    expire(settings, client)
    assert {seen(check) for name, check in checked(settings, client).items() if "dwell" in name} == {(2, 0, 0, 0, 0)}
    client.execute("ALTER TABLE view_event DELETE WHERE broadcast_id = 'b1000' SETTINGS mutations_sync = 1")
    assert {seen(check) for name, check in checked(settings, client).items() if "dwell" in name} == {(2, 0, 0, 1, 0)}


def test_records_whose_rows_may_have_expired_are_left_out(environment: dict[str, str]) -> None:
    settings = settings_of(environment)
    now = int(time.time() * 1_000)
    days_ago = now - 4 * 86_400_000
    # The last one is of a replay: it keeps the old timestamp, and is stored now.
    send(settings, [Record("like", "key", moment, b"broken") for moment in (days_ago, days_ago, now, days_ago)])

    def like() -> tuple[int, int, int, int, int]:
        return seen({check.subject: check for check in check_records(settings, client, wait_seconds=0)}["like"])

    with connect(settings) as client:
        stored = "SELECT _offset FROM dead_letter FINAL ORDER BY _offset"
        wait_for(lambda: client.execute(stored) == [(0,), (1,), (2,), (3,)], "what was sent")
        assert like() == (4, 0, 0, 0, 0)
        client.execute(
            "ALTER TABLE dead_letter UPDATE inserted_at = toDateTime(received_at) WHERE _offset < 2 SETTINGS mutations_sync = 1"
        )
        expire(settings, client)
        assert client.execute(stored) == [(2,), (3,)]
        assert like() == (4, 0, 2, 0, 0), "in a database this young nothing has expired by itself"
        age(client)
        assert like() == (2, 2, 0, 0, 0)
        assert run_cli(environment, "verify", "--wait", "0").returncode == 0
        client.execute("ALTER TABLE dead_letter DELETE WHERE _offset = 3 SETTINGS mutations_sync = 1")
        assert like() == (2, 2, 1, 0, 0)
        assert run_cli(environment, "verify", "--wait", "0").returncode == 1


def test_a_missing_topic_is_no_topic_that_holds(environment: dict[str, str]) -> None:
    settings = settings_of(environment)
    with closing(KafkaAdminClient(**kafka_python(settings))) as admin:
        admin.delete_topics(["group_message"])
        wait_for(lambda: "group_message" not in admin.list_topics(), "it is gone")
    done = run_cli(environment, "verify", "--wait", "0")
    assert done.returncode == 3
    assert "has no topic group_message." in done.stderr and "livepulse migrate" in done.stderr
    assert run_cli(environment, "migrate").returncode == 0
    assert run_cli(environment, "verify", "--wait", "0").returncode != 3


def test_a_topic_that_was_made_anew_proves_nothing(environment: dict[str, str]) -> None:
    settings = settings_of(environment)
    now = int(time.time() * 1_000)
    send(settings, [Record("like", "key", now, b"broken")] * 3)
    with connect(settings) as client, closing(KafkaAdminClient(**kafka_python(settings))) as admin:
        wait_for(lambda: run_cli(environment, "verify", "--wait", "0").returncode != 3, "what was sent")
        newest = "SELECT max(_offset) FROM dead_letter WHERE _topic = 'like' AND received_at >= toDateTime(%(now)s)"
        wait_for(lambda: client.execute(newest, {"now": now // 1_000 - 1}) > [(1,)], "it is stored")
        admin.delete_topics(["like"])
        wait_for(lambda: "like" not in admin.list_topics(), "it is gone")
        assert run_cli(environment, "migrate").returncode == 0
        send(settings, [Record("like", "key", now, b"broken")])
        done = run_cli(environment, "verify", "--wait", "0")
        assert done.returncode == 3
        assert "that are stored, in like: made anew" in done.stderr and "LIVEPULSE_CLICKHOUSE_DATABASE" in done.stderr
        # The tests that follow want offsets that say something.
        for table in ("like_event", "dead_letter"):
            client.execute(f"TRUNCATE TABLE {table}")
    assert run_cli(environment, "verify", "--wait", "0").returncode != 3


def test_it_goes_on_when_a_service_comes_back(environment: dict[str, str]) -> None:
    settings = settings_of(environment)
    program = Path(sys.executable).with_name("livepulse")

    def newest(client: Client) -> datetime:
        [(moment,)] = client.execute("SELECT max(checked_at) FROM verify_result")
        assert isinstance(moment, datetime)
        return moment

    with (
        connect(settings) as client,
        subprocess.Popen(
            [program, "verify", "--every", "1", "--wait", "0"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        try:
            began = newest(client)
            wait_for(lambda: newest(client) > began, "a check")
            run_cli(environment, "down", "kafka")
            assert running.stderr is not None
            assert next(line for line in running.stderr if f"kafka at {settings.kafka_address}" in line)
            assert run_cli(environment, "up", "kafka").returncode == 0
            away = datetime.now(UTC)
            wait_for(lambda: newest(client) > away, "a check")
            assert running.poll() is None
        finally:
            running.kill()
