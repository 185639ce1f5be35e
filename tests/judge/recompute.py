"""Every counter of ADR 2 by a plain loop over the records: dicts, sets and sums, no windows, no state that expires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from schemas.events import Event
from schemas.events.comment import Comment
from schemas.events.group_message import GroupMessage
from schemas.events.like import Like
from schemas.events.order import Order
from schemas.events.product import Product
from schemas.events.view import View
from tests.judge.tables import (
    ACTIVITY_TIMES,
    COUNTERS,
    FRESHNESS,
    NAMES,
    PAID_TIMES,
    VIEW_TIMES,
    Key,
    Tables,
    without_empty,
)
from tests.judge.validity import VALID, Verdict, classify


class LogRecord(Protocol):
    """What the judge needs of a Kafka record. Key and partition are not asked for: records come in log order."""

    @property
    def topic(self) -> str: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    tables: Tables
    verdicts: list[Verdict]
    """One for each record, in the records' order."""

    def summary(self) -> Counter[str]:
        """How many records were `valid`, `late`, or dead for which reason."""
        return Counter(verdict.reason or verdict.kind for verdict in self.verdicts)


def recompute(
    records: Iterable[LogRecord], *, time_zone: str = "UTC", lateness_seconds: int = 3_600, future_seconds: int = 300
) -> Judgement:
    """What every table must hold after these records, which come in log order (it matters only within a partition)."""
    judge = Judge(time_zone=time_zone, lateness_seconds=lateness_seconds, future_seconds=future_seconds)
    verdicts = [judge.read(record) for record in records]
    return Judgement(judge.tables(), verdicts)


class _Row:
    """One row being counted."""

    __slots__ = ("distinct", "first", "freshness", "last", "sums")

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.distinct: dict[str, set[Hashable]] = {}
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.freshness = 0

    def add(self, counter: str, amount: int = 1) -> None:
        self.sums[counter] = self.sums.get(counter, 0) + amount

    def rise(self, counter: str, at_least: int) -> None:
        self.sums[counter] = max(self.sums.get(counter, 0), at_least)

    def see(self, counter: str, who: Hashable) -> None:
        seen = self.distinct.get(counter)
        if seen is None:
            self.distinct[counter] = {who}
        else:
            seen.add(who)

    def reach(self, first_and_last: tuple[str, str], time_ms: int) -> None:
        first, last = first_and_last
        self.first[first] = min(self.first.get(first, time_ms), time_ms)
        self.last[last] = max(self.last.get(last, time_ms), time_ms)

    def counters(self, names: Iterable[str]) -> dict[str, int]:
        """Every counter by name; one that nothing moved is 0, also a time."""
        values = self.sums | {name: len(seen) for name, seen in self.distinct.items()} | self.first | self.last
        return {name: values.get(name, 0) for name in names} | {FRESHNESS: self.freshness}


RoomRows = tuple[_Row, _Row, _Row]
"""An event's rows in room_10s, room_1m and broadcast."""


@dataclass(frozen=True, slots=True, order=True)
class _PaidOrder:
    """Sorts by (event_time, order_id), ids byte by byte: the order in which orders of one buyer count."""

    event_time: int
    order_id: bytes
    rows: tuple[tuple[str, Key], ...] = field(compare=False)


class Judge:
    """Reads records one by one; `tables` may be asked at any time."""

    def __init__(self, *, time_zone: str = "UTC", lateness_seconds: int = 3_600, future_seconds: int = 300) -> None:
        self._zone = ZoneInfo(time_zone)
        self._lateness_seconds = lateness_seconds
        self._future_seconds = future_seconds
        self._rows: dict[str, dict[Key, _Row]] = {name: {} for name in NAMES}
        self._counted: set[tuple[str, ...]] = set()
        self._paid: dict[tuple[str, str], list[_PaidOrder]] = {}

    def read(self, record: LogRecord) -> Verdict:
        verdict, event = classify(
            record.topic,
            record.value,
            record.timestamp_ms,
            lateness_seconds=self._lateness_seconds,
            future_seconds=self._future_seconds,
        )
        if verdict is VALID:
            assert event is not None
            self._count(event, record.timestamp_ms)
        return verdict

    def tables(self) -> Tables:
        repeats = self._repeat_orders()
        tables: Tables = {}
        for table, rows in self._rows.items():
            counted = {key: row.counters(COUNTERS[table]) for key, row in rows.items()}
            for key, orders in repeats.get(table, {}).items():
                counted[key]["repeat_orders"] = orders
            tables[table] = without_empty(table, counted)
        return tables

    # What each event moves

    def _count(self, event: Event, stamp: int) -> None:
        match event:
            case Comment():
                self._comment(event, stamp)
            case Like():
                self._like(event, stamp)
            case GroupMessage():
                self._group_message(event, stamp)
            case View():
                self._view(event, stamp)
            case Product():
                self._product(event, stamp)
            case Order():
                self._order(event, stamp)
            case _:
                pass  # of the counters that the judge knows, it moves none

    def _comment(self, event: Comment, stamp: int) -> None:
        if not self._is_first("comment", event.event_id):
            return
        rows = self._room_rows(event, stamp)
        for row in rows:
            row.add("comments")
            row.see("commenters", event.user_id)
            row.see("interacting_users", event.user_id)
        _active(event, rows)

    def _like(self, event: Like, stamp: int) -> None:
        if not self._is_first("like", event.event_id):
            return
        rows = self._room_rows(event, stamp)
        for row in rows:
            row.add("likes", event.count)
            row.see("likers", event.user_id)
            row.see("interacting_users", event.user_id)
        _active(event, rows)

    def _group_message(self, event: GroupMessage, stamp: int) -> None:
        if not self._is_first("group_message", event.event_id):
            return
        group = self._row("group_1m", (event.group_id, _window(event, 60)), stamp)
        group.add("messages")
        if event.role == "staff":
            group.add("staff_messages")
            group.see("staff", event.user_id)
        else:
            group.see("members", event.user_id)
        if event.room_id is not None:
            rows = self._room_rows(event, stamp)
            for row in rows:
                row.add("group_messages")
            _active(event, rows)

    def _view(self, event: View, stamp: int) -> None:
        if event.action == "leave":
            return
        slot = _window(event, 10)
        room_10s, room_1m, broadcast = self._room_rows(event, stamp)
        broadcast_10s = self._row("broadcast_10s", (*self._broadcast(event), slot), stamp)
        for row in (room_10s, room_1m, broadcast, broadcast_10s):
            row.see("viewers", event.user_id)
        concurrency = self._row("broadcast_concurrency_1m", (*self._broadcast(event), _window(event, 60)), stamp)
        for row in (room_10s, room_1m, concurrency):
            row.see("viewer_slots", (event.user_id, slot))
        concurrency.rise("peak_concurrency", len(broadcast_10s.distinct["viewers"]))
        broadcast.see(f"viewers_{event.source}", event.user_id)
        broadcast.reach(VIEW_TIMES, event.event_time)

    def _product(self, event: Product, stamp: int) -> None:
        counter = {"expose": "exposed_users", "click": "click_users", "cart": "cart_users"}[event.action]
        product = self._row("broadcast_product", (*self._broadcast(event), event.product_id), stamp)
        for row in (*self._room_rows(event, stamp), product):
            row.see(counter, event.user_id)

    def _order(self, event: Order, stamp: int) -> None:
        if not self._is_first(event.status, event.event_id if event.status == "refunded" else event.order_id):
            return
        rows = self._room_rows(event, stamp)
        match event.status:
            case "created":
                for row in rows:
                    row.add("orders_created")
                _active(event, rows)
            case "paid":
                self._paid_order(event, rows, stamp)
                _active(event, rows)
            case "cancelled":
                for row in rows:
                    row.add("orders_cancelled")
            case "refunded":
                self._refund(event, rows, stamp)

    def _paid_order(self, event: Order, room_rows: RoomRows, stamp: int) -> None:
        rows = (*room_rows, self._row("broadcast_product", (*self._broadcast(event), event.product_id), stamp))
        for row in rows:
            row.see("paying_users", event.user_id)
            row.add("orders_paid")
        for row in self._sales_rows(event, stamp):
            row.add("orders_paid")
            row.add("units_paid", event.quantity)
            row.add("gmv_paid", event.amount)
        buyer_day = self._row("buyer_day", (event.room_id, event.user_id, self._day(event)), stamp)
        buyer_day.add("orders_paid")
        buyer_day.reach(PAID_TIMES, event.event_time)
        self._paid.setdefault((event.room_id, event.user_id), []).append(
            _PaidOrder(event.event_time, event.order_id.encode(), self._room_keys(event))
        )

    def _refund(self, event: Order, room_rows: RoomRows, stamp: int) -> None:
        for row in room_rows:
            row.add("refunds")
            row.see("orders_refunded", event.order_id)
        for row in self._sales_rows(event, stamp):
            row.add("refunds")
            row.add("gmv_refunded", event.amount)

    def _repeat_orders(self) -> dict[str, dict[Key, int]]:
        """Every paid order but the buyer's first in the room, in the rows that the order itself falls in."""
        repeats: dict[str, dict[Key, int]] = {}
        for orders in self._paid.values():
            for order in sorted(orders)[1:]:
                for table, key in order.rows:
                    rows = repeats.setdefault(table, {})
                    rows[key] = rows.get(key, 0) + 1
        return repeats

    # Where an event falls

    def _is_first(self, kind: str, fact_id: str) -> bool:
        """Whether this fact was not counted before: the first copy that counts is the one."""
        fact = (kind, fact_id)
        if fact in self._counted:
            return False
        self._counted.add(fact)
        return True

    def _day(self, event: Event) -> str:
        return datetime.fromtimestamp(event.event_time // 1_000, self._zone).date().isoformat()

    def _broadcast(self, event: Event) -> tuple[str, str]:
        return event.room_id, event.stream_id if event.stream_id is not None else f"day:{self._day(event)}"

    def _room_keys(self, event: Event) -> tuple[tuple[str, Key], tuple[str, Key], tuple[str, Key]]:
        return (
            ("room_10s", (event.room_id, _window(event, 10))),
            ("room_1m", (event.room_id, _window(event, 60))),
            ("broadcast", self._broadcast(event)),
        )

    def _room_rows(self, event: Event, stamp: int) -> RoomRows:
        by_10s, by_1m, by_broadcast = self._room_keys(event)
        return self._row(*by_10s, stamp), self._row(*by_1m, stamp), self._row(*by_broadcast, stamp)

    def _sales_rows(self, event: Order, stamp: int) -> list[_Row]:
        broadcast = self._broadcast(event)
        return [
            self._row("room_sales_10s", (event.room_id, event.currency, _window(event, 10)), stamp),
            self._row("room_sales_1m", (event.room_id, event.currency, _window(event, 60)), stamp),
            self._row("broadcast_sales", (*broadcast, event.currency), stamp),
            self._row("broadcast_product_sales", (*broadcast, event.product_id, event.currency), stamp),
        ]

    def _row(self, table: str, key: Key, stamp: int) -> _Row:
        rows = self._rows[table]
        row = rows.get(key)
        if row is None:
            row = rows[key] = _Row()
        row.freshness = max(row.freshness, stamp)
        return row


def _window(event: Event, seconds: int) -> int:
    """Start, in epoch seconds, of the window that holds the event's time."""
    return event.event_time // 1_000 // seconds * seconds


def _active(event: Event, rows: RoomRows) -> None:
    """The event makes its user active: an inferred viewer."""
    for row in rows:
        row.see("active_users", event.user_id)
    rows[2].reach(ACTIVITY_TIMES, event.event_time)
