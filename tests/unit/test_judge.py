"""The judge itself: golden cases, verdicts by hand, and what must hold for any log."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import EVENTS
from tests.golden.case import TIME_ZONE, Case, cases
from tests.judge.compare import Comparison, compare
from tests.judge.recompute import Judge, Judgement, recompute
from tests.judge.strategies import (
    BASE_MS,
    EXAMPLES,
    LIMITS,
    VALID_FIELDS,
    Payload,
    broken,
    events,
    interleaved,
    matrix,
    redelivered,
)
from tests.judge.tables import COUNTERS, FRESHNESS, KEYS, NAMES, Tables, without_empty
from tests.judge.validity import Reason, Verdict, classify
from tests.realdata.record import Record, record

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judge(log: list[Record]) -> Judgement:
    return recompute(log, time_zone=TIME_ZONE)


def verdict(payload: Payload, timestamp_ms: int = BASE_MS) -> Verdict:
    return classify(payload.topic, payload.value, timestamp_ms, lateness_seconds=3_600, future_seconds=300)[0]


# Golden cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_golden_case(case: Case) -> None:
    prefix = "alone-"
    result = judge(case.records(prefix))
    comparison = compare(case.judged(prefix), case.own(result.tables, prefix))
    assert comparison.ok, str(comparison)
    assert result.summary() == Counter(
        {"valid": len(result.verdicts) - case.late - case.dead_letters.total(), "late": case.late} | case.dead_letters
    )


def test_golden_cases_do_not_meet() -> None:
    """All cases as one log, event by event in turn: prefixes keep them apart."""
    prefixed = [(case, f"c{number}-") for number, case in enumerate(cases())]
    logs = [case.records(prefix) for case, prefix in prefixed]
    together = [log[turn] for turn in range(max(map(len, logs))) for log in logs if turn < len(log)]
    tables = judge(together).tables
    for case, prefix in prefixed:
        comparison = compare(case.judged(prefix), case.own(tables, prefix))
        assert comparison.ok, f"{case.id}\n{comparison}"


def test_golden_cases_show_every_table_and_counter() -> None:
    """Each counter of each table is expected to be something else than 0 by some case."""
    shown = {
        (table, counter)
        for case in cases()
        for table, rows in case.expected().items()
        for row in rows.values()
        for counter, value in row.items()
        if value
    }
    assert {(table, counter) for table in NAMES for counter in COUNTERS[table]} - shown == set()


# Verdicts


@pytest.mark.parametrize("payload", EXAMPLES + LIMITS, ids=lambda payload: payload.name)
def test_verdict_by_hand(payload: Payload) -> None:
    assert verdict(payload).reason == payload.verdict


def test_every_reason_occurs() -> None:
    every = set(get_args(Reason))
    assert {payload.verdict for payload in EXAMPLES} == every | {None}
    assert {verdict(payload).reason for payload in matrix()} == (every | {None}) - {"not_an_object"}  # they are all objects
    assert {payload.topic for payload in matrix()} == set(EVENTS) == set(VALID_FIELDS)
    assert all(fields.keys() == EVENTS[topic].model_fields.keys() for topic, fields in VALID_FIELDS.items())


@pytest.mark.parametrize(
    ("delay_ms", "expected"),
    [
        (-300_001, Verdict("dead_letter", "future_event_time")),
        (-300_000, Verdict("valid")),
        (0, Verdict("valid")),
        (3_600_000, Verdict("valid")),
        (3_600_001, Verdict("late")),
    ],
)
def test_lateness_and_future(delay_ms: int, expected: Verdict) -> None:
    assert verdict(EXAMPLES[0], BASE_MS + delay_ms) == expected


@quick
@given(st.lists(broken(), max_size=5))
def test_whatever_comes_is_judged(log: list[Record]) -> None:
    """No payload stops the judge, and only valid records reach a table."""
    result = judge(log)
    assert len(result.verdicts) == len(log)
    valid = [one for one, was in zip(log, result.verdicts, strict=True) if was.kind == "valid"]
    assert judge(valid).tables == result.tables


# Definitions: what must hold for any log


@quick
@given(st.data(), events())
def test_sequence_across_keys_does_not_matter(data: st.DataObject, log: list[Record]) -> None:
    assert judge(data.draw(interleaved(log))).tables == judge(log).tables


@quick
@given(st.data(), events())
def test_copies_do_not_matter(data: st.DataObject, log: list[Record]) -> None:
    assert judge(data.draw(redelivered(log))).tables == judge(log).tables
    assert judge(log + log).tables == judge(log).tables


@quick
@given(events())
def test_rooms_and_groups_are_independent(log: list[Record]) -> None:
    """Judged room by room (and, without a room, group by group) and put together, the tables are the same."""
    whole = judge(log).tables
    parts: dict[str, list[Record]] = {}
    for one in log:
        parts.setdefault(orjson.loads(one.value).get("room_id", ""), []).append(one)
    together: Tables = {name: {} for name in NAMES}
    for part in parts.values():
        for name, rows in judge(part).tables.items():
            if name != "group_1m":  # a group may serve several rooms
                assert not together[name].keys() & rows.keys()
                together[name] |= rows
    together["group_1m"] = judge([one for one in log if one.topic == "group_message"]).tables["group_1m"]
    assert together == whole


@quick
@given(events())
def test_counters_only_grow(log: list[Record]) -> None:
    """Record by record no row vanishes, no counter falls, and no first time gets later."""
    one_by_one = Judge(time_zone=TIME_ZONE)
    before = one_by_one.tables()
    for one in log:
        one_by_one.read(one)
        after = one_by_one.tables()
        for table, rows in before.items():
            for key, row in rows.items():
                for counter, value in row.items():
                    now = after[table][key][counter]
                    assert (now <= value or value == 0) if counter.startswith("first_") else now >= value
        before = after
    assert before == judge(log).tables


@quick
@given(events(late=False))
def test_counters_by_comprehension(log: list[Record]) -> None:
    """A third way to say some of the definitions: sets over all events of a row, no loop that carries anything."""
    facts: list[tuple[str, dict[str, Any]]] = []
    told = set()
    for one in log:
        fact = orjson.loads(one.value)
        # An order's status that is told again, also as a new event at another time, is no second fact; a refund is.
        again = (fact["order_id"], fact["status"]) if one.topic == "order" and fact["status"] != "refunded" else fact["event_id"]
        if again not in told:
            facts.append((one.topic, fact))
        told.add(again)
    tables = judge(log).tables

    def in_row(table: str, key: tuple[str | int, ...], event: dict[str, Any]) -> bool:
        second = event["event_time"] // 1_000
        day = datetime.fromtimestamp(second, ZoneInfo(TIME_ZONE)).strftime("%Y-%m-%d")
        windows = {"room_10s": second // 10 * 10, "room_1m": second // 60 * 60, "broadcast": event.get("stream_id", f"day:{day}")}
        return key == (event.get("room_id"), windows[table])

    paid: dict[str, dict[str, Any]] = {}
    for topic, event in facts:
        if topic == "order" and event["status"] == "paid":
            paid.setdefault(event["order_id"], event)
    for table in ("room_10s", "room_1m", "broadcast"):
        for key, row in tables[table].items():
            here = [(topic, event) for topic, event in facts if in_row(table, key, event)]

            def users(here: list[tuple[str, dict[str, Any]]], topic: str, *kinds: str) -> set[str]:
                return {
                    event["user_id"]
                    for of, event in here
                    if of == topic and (event.get("action") or event.get("status", "")) in (kinds or ("",))
                }

            watching = [event for topic, event in here if topic == "view" and event["action"] != "leave"]
            orders = [event for event in paid.values() if in_row(table, key, event)]
            assert row["comments"] == sum(topic == "comment" for topic, _ in here)
            assert row["likes"] == sum(event["count"] for topic, event in here if topic == "like")
            assert row["interacting_users"] == len(users(here, "comment") | users(here, "like"))
            assert row["active_users"] == len(
                users(here, "comment")
                | users(here, "like")
                | users(here, "group_message")
                | users(here, "order", "created", "paid")
            )
            assert row["viewers"] == len(users(here, "view", "enter", "heartbeat"))
            if table != "broadcast":
                slots = {(event["user_id"], event["event_time"] // 10_000) for event in watching}
                assert row["viewer_slots"] == len(slots)
            assert row["click_users"] == len(users(here, "product", "click"))
            assert row["paying_users"] == len(users(here, "order", "paid"))
            assert row["orders_paid"] == len(orders)
            assert row["refunds"] == sum(topic == "order" and event["status"] == "refunded" for topic, event in here)
            assert row["repeat_orders"] == sum(
                any(
                    (other["room_id"], other["user_id"]) == (order["room_id"], order["user_id"])
                    and (other["event_time"], other["order_id"]) < (order["event_time"], order["order_id"])
                    for other in paid.values()
                )
                for order in orders
            )


@quick
@given(events(max_size=20))
def test_grains_agree(log: list[Record]) -> None:
    """What is counted one by one sums up from windows to broadcasts, and sales to rooms."""
    tables = judge(log).tables

    def total(table: str, counter: str) -> int:
        return sum(row[counter] for row in tables[table].values())

    for counter in (
        "comments",
        "likes",
        "group_messages",
        "orders_created",
        "orders_paid",
        "orders_cancelled",
        "refunds",
        "repeat_orders",
    ):
        assert total("room_10s", counter) == total("room_1m", counter) == total("broadcast", counter)
    for counter in ("orders_paid", "units_paid", "gmv_paid", "refunds", "gmv_refunded"):
        assert len({total(table, counter) for table in NAMES if "sales" in table}) == 1
    assert total("broadcast_product", "orders_paid") == total("buyer_day", "orders_paid") == total("room_1m", "orders_paid")
    buyers = {key[:2] for key in tables["buyer_day"]}
    assert total("room_1m", "orders_paid") - total("room_1m", "repeat_orders") == len(buyers)


# The shape of the tables, and the comparison


def test_tables_have_the_columns_of_the_adr() -> None:
    tables = judge([one for case in cases() for one in case.records()]).tables
    assert tuple(tables) == NAMES
    for name, rows in tables.items():
        assert rows
        for key, row in rows.items():
            assert len(key) == len(KEYS[name])
            assert tuple(row) == (*COUNTERS[name], FRESHNESS)
        assert without_empty(name, rows) == rows


def test_last_record_at_is_the_newest_timestamp() -> None:
    fields = {
        "event_id": "e",
        "event_time": BASE_MS,
        "schema_version": 1,
        "platform": "t",
        "room_id": "r",
        "user_id": "u",
        "text": "",
    }
    # Another fact, a copy of it, and a late one: only facts that count are fresh.
    sent = (("e", 5), ("f", 70_000), ("f", 80_000), ("g", 3_600_001))
    log = [record("comment", fields | {"event_id": event_id}, BASE_MS + delay) for event_id, delay in sent]
    (row,) = judge(log).tables["room_10s"].values()
    assert row[FRESHNESS] == BASE_MS + 70_000


def _compare(expected: dict[str, int], actual: dict[str, int]) -> Comparison:
    return compare({"group_1m": {("g", 60): expected}}, {"group_1m": {("g", 60): actual}})


def test_comparison_finds_differences() -> None:
    assert _compare({"messages": 1, FRESHNESS: 5}, {"messages": 1, FRESHNESS: 9, "unheard_of": 3}).ok
    wrong = _compare({"messages": 1, "staff": 2}, {"messages": 3})
    assert not wrong.ok
    assert str(wrong) == (
        "group_1m: 1 rows on both sides, 0 missing, 0 extra, 2 wrong counters\n"
        "  wrong    group_id='g' window_start=1970-01-01T00:01:00Z messages: expected 1, found 3\n"
        "  wrong    group_id='g' window_start=1970-01-01T00:01:00Z staff: expected 2, found no such column"
    )
    absent = compare({"group_1m": {("g", 60): {"messages": 1}}}, {"group_1m": {("h", 0): {"messages": 1}}})
    assert not absent.ok
    assert str(absent) == (
        "group_1m: 0 rows on both sides, 1 missing, 1 extra, 0 wrong counters\n"
        "  missing  group_id='g' window_start=1970-01-01T00:01:00Z\n"
        "  extra    group_id='h' window_start=1970-01-01T00:00:00Z"
    )
    many = compare({"group_1m": {("g", n * 60): {"messages": 1} for n in range(25)}}, {})
    assert str(many).count("missing  ") == 10
    assert not many.ok


def test_a_row_in_which_nothing_was_counted_is_none() -> None:
    """Fresh it may be: a refund touches its product's row, but moves none of its counters."""
    rows: dict[tuple[str | int, ...], dict[str, int]] = {
        ("g", 0): {"messages": 0, FRESHNESS: 5},
        ("g", 60): {"messages": 1, FRESHNESS: 5},
    }
    assert without_empty("group_1m", rows, more=["messages", FRESHNESS]).keys() == {("g", 60)}
    assert without_empty("group_1m", {("g", 0): {"new": 1}}) == {}
    assert without_empty("group_1m", {("g", 0): {"new": 1}}, more=["new"]) == {("g", 0): {"new": 1}}
