"""What `livepulse verify` is for: it finds a record that is stored nowhere or twice, and a counter that is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from pipelines.clickhouse import connect
from pipelines.kafka import kafka_python
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from pipelines.topics import admin
from pipelines.verify.counters import check_counters
from pipelines.verify.records import check_records, first_since
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


@contextmanager
def changed(settings: Settings, table: str, where: str) -> Iterator[None]:
    """A table in which rows are changed, and are afterwards as they were."""
    kept = f"kept_{new_prefix().rstrip('-')}"
    query(settings, f"CREATE TABLE {kept} ENGINE = Memory AS SELECT * FROM {table} WHERE {where}")
    try:
        yield
    finally:
        query(settings, f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1")
        query(settings, f"INSERT INTO {table} SELECT * FROM {kept}")
        query(settings, f"DROP TABLE {kept}")


@contextmanager
def old(settings: Settings) -> Iterator[Settings]:
    """The database as if it were made long ago, and kept events for two days."""
    query(
        settings,
        "INSERT INTO schema_versions SELECT * REPLACE (created_at - INTERVAL 200 DAY AS created_at) FROM schema_versions LIMIT 1",
    )
    try:
        yield settings.model_copy(update={"event_ttl_days": 2})
    finally:
        query(
            settings,
            "ALTER TABLE schema_versions DELETE WHERE created_at < now() - INTERVAL 100 DAY SETTINGS mutations_sync = 1",
        )


def differing(checks: dict[str, Check]) -> set[str]:
    return {subject for subject, check in checks.items() if not check.holds}


def test_what_is_older_than_what_is_kept_proves_nothing(stack: Settings) -> None:
    """Counters of five days ago, whose events are gone; and an order of today by who bought then: 1 repeat order."""
    prefix = new_prefix()
    room = f"{prefix}r"
    now = int(time.time() * 1_000)
    order = {
        "event_id": f"{prefix}e", "event_time": now, "schema_version": 1, "platform": "test", "room_id": room, "user_id": "ann",
        "order_id": f"{prefix}o", "product_id": "p", "quantity": 1, "amount": 100, "currency": "CNY", "status": "paid",
    }  # fmt: skip
    send(stack, [Record("order", room, now, orjson.dumps(order))])
    wait_for(lambda: not differing(counters(stack)), "every counter is right")
    then = "now() - INTERVAL 5 DAY"
    added = {
        "room_1m_counters": f"(room_id, window_start, viewers, repeat_orders) SELECT '{room}', toStartOfMinute({then}), 7, 1",
        "broadcast_counters": "(room_id, broadcast_id, viewers, first_view_at, last_record_at) "
        f"SELECT '{room}', 'then', 7, {then}, {then}",
        "broadcast_product_counters": f"(room_id, broadcast_id, product_id, exposed_users) SELECT '{room}', 'then', 'p', 7",
        "buyer_day_counters": "(room_id, user_id, day, orders_paid, first_paid_at, last_paid_at) "
        f"SELECT '{room}', 'ann', toDate({then}), 1, {then}, {then}",
    }
    # What Flink, which forgets no buyer, says of today's order.
    repeat = [
        ("room_10s", "window_start", f"toStartOfInterval(toDateTime({now // 1_000}, 'UTC'), INTERVAL 10 SECOND)"),
        ("room_1m", "window_start", f"toStartOfMinute(toDateTime({now // 1_000}, 'UTC'))"),
        ("broadcast", "broadcast_id", f"(SELECT any(broadcast_id) FROM order_event WHERE room_id = '{room}')"),
    ]
    with ExitStack() as restored:
        for grain in ("room_10s", "room_1m", "broadcast", "broadcast_product", "buyer_day"):
            restored.enter_context(changed(stack, f"{grain}_counters", f"room_id = '{room}'"))
        for table, rows in added.items():
            query(stack, f"INSERT INTO {table} {rows}")
        for grain, key, value in repeat:
            query(stack, f"INSERT INTO {grain}_counters (room_id, {key}, repeat_orders) SELECT '{room}', {value}, 1")
        young = counters(stack)
        assert differing(young) >= {"room_1m (dwell)", "broadcast (dwell)", "broadcast_product (conversion)"}
        assert differing(young) >= {"buyer_day (repurchase)", *(f"{grain} (repurchase)" for grain, _, _ in repeat)}
        with old(stack) as kept:
            found = counters(kept)
            assert not differing(found), [check.examples for check in found.values() if not check.holds]
            assert all(found[f"{name} (dwell)"].left_out > young[f"{name} (dwell)"].left_out for name in ("room_1m", "broadcast"))
            this_minute = f"SELECT '{room}', toStartOfMinute(now()), 7"
            query(stack, f"INSERT INTO room_1m_counters (room_id, window_start, viewers) {this_minute}")
            assert differing(counters(kept)) == {"room_1m (dwell)"}
    assert not differing(counters(stack))


def test_the_first_record_that_is_still_kept(stack: Settings) -> None:
    name = f"order-{new_prefix()}kept"
    now = int(time.time() * 1_000)
    with closing(admin(stack)) as client, closing(KafkaConsumer(**kafka_python(stack))) as consumer:
        client.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])
        try:
            # Three of the day before yesterday, one of now, and an old one that came after it.
            send(stack, [Record(name, "k", now - hours * 3_600_000, b"{}") for hours in (48, 48, 47, 0, 48)])
            place = TopicPartition(name, 0)
            ends = consumer.end_offsets([place])
            assert ends == {place: 5}
            for hours, first in ((72, 0), (24, 3), (-1, 5)):
                assert first_since(consumer, ends, datetime.fromtimestamp(now / 1_000 - hours * 3_600, UTC)) == {place: first}
        finally:
            client.delete_topics([name])
