"""Pathway: six JSON tables put together, grouped by room and window; all of it in its own engine, no Python for a record."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import pathway as pw

from tests.bench.consumer import FETCHING, WINDOW_MS
from tests.bench.family.contract import ResultRow, Spec, finish, read_spec

_MONEY = ("paid", "refunded")


class Event(pw.Schema):  # type: ignore[misc]  # the package is not in the environment that mypy sees
    event_time: int
    user_id: str
    room_id: str | None = pw.column_definition(default_value=None)


class Order(Event):
    status: str
    amount: int


class Began:
    """When the first order passed: one record in two hundred, so that Python is called for few."""

    def __init__(self) -> None:
        self.at = 0.0

    def note(self, amount: int) -> int:
        self.at = self.at or time.time()
        return amount


def events(spec: Spec, began: Began) -> pw.Table:
    """Room, window and user of all records, a 1 in the column of their topic, money in those of its status."""
    settings = {
        "bootstrap.servers": spec.bootstrap,
        "group.id": f"bench-pathway-{uuid.uuid4()}",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": "false",
        **{name: str(value) for name, value in FETCHING.items()},
    }
    tables = []
    for topic in spec.topics:
        is_order = topic == "order"
        schema = Order if is_order else Event
        read = pw.io.kafka.read(settings, topic, schema=schema, format="json", mode="static", autocommit_duration_ms=None)
        money: dict[str, Any] = dict.fromkeys(_MONEY, 0)
        if is_order:
            amount = pw.apply_with_type(lambda amount: began.note(amount), int, read.amount)
            money = {status: pw.if_else(read.status == status, amount, 0) for status in _MONEY}
        ones = {name: int(name == topic) for name in spec.topics}
        window = read.event_time // WINDOW_MS
        tables.append(read.select(room=pw.coalesce(read.room_id, ""), window=window, user=read.user_id, **ones, **money))
    pw.universes.promise_are_pairwise_disjoint(*tables)
    return pw.Table.concat(*tables)


def main() -> None:
    os.environ["PATHWAY_THREADS"] = str(os.cpu_count())
    spec, began = read_spec(), Began()
    table = events(spec, began)
    sums = {name: pw.reducers.sum(table[name]) for name in (*spec.topics, *_MONEY)}
    counted = table.groupby(table.room, table.window).reduce(
        table.room, table.window, users=pw.reducers.count_distinct(table.user), **sums
    )
    rows: dict[pw.Pointer, ResultRow] = {}
    ended = 0.0

    def keep(key: pw.Pointer, row: dict[str, Any], time: int, is_addition: bool) -> None:
        assert is_addition, "a static table has no row that changes"
        rows[key] = ResultRow(
            room_id=row["room"] or None,
            window_start=row["window"] * WINDOW_MS,
            counts={topic: row[topic] for topic in spec.topics},
            paid=row["paid"],
            refunded=row["refunded"],
            users=row["users"],
        )

    def end() -> None:
        nonlocal ended
        ended = time.time()

    pw.io.subscribe(counted, keep, end)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    records = sum(sum(row["counts"].values()) for row in rows.values())
    finish(spec, rows.values(), began=began.at, ended=ended, records=records)


if __name__ == "__main__":
    main()
