"""Dead letters are repaired and sent again: numbers shown already are corrected, and a second copy changes none."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from pipelines.settings import Settings
from tests.conftest import Cli
from tests.e2e.pipeline import await_tables, new_prefix, query, send, wait_for
from tests.golden.case import TIME_ZONE
from tests.judge.recompute import recompute
from tests.judge.tables import Tables
from tests.realdata.record import Record, record

FIX = """\
all:
  rename: {uid: user_id}
like:
  cast: {count: integer}
"""

SENT = {"comment": 3, "like": 1, "group_message": 1, "view": 1, "product": 1, "order": 2}

Event = dict[str, Any]


def renamed(event: Event) -> Event:
    return {"uid" if name == "user_id" else name: value for name, value in event.items()}


def quoted(event: Event) -> Event:
    return event | {"count": str(event["count"])}


def without_id(event: Event) -> Event:
    return event | {"event_id": None}


BROKEN: list[tuple[str, Event, Callable[[Event], Event], int]] = [
    ("comment", {"text": "where is it?"}, renamed, 0),
    ("comment", {"text": "no id"}, without_id, 0),
    ("comment", {"text": "too late to count"}, renamed, 3_600_001),
    ("like", {"count": 3}, quoted, 0),
    ("group_message", {"group_id": "group", "text": "hi", "role": "staff"}, renamed, 0),
    ("view", {"action": "enter", "source": "feed"}, renamed, 0),
    ("product", {"action": "click", "product_id": "p1"}, renamed, 0),
    (
        "order",
        {"order_id": "o1", "product_id": "p1", "quantity": 2, "amount": 990, "currency": "CNY", "status": "paid"},
        renamed,
        0,
    ),
    (
        "order",
        {"order_id": "o1", "product_id": "p1", "quantity": 1, "amount": 495, "currency": "CNY", "status": "refunded"},
        without_id,
        0,
    ),
]
"""Topic, the fields of a valid event, how its producer broke it, and by how many ms its record is later than itself."""


class Case:
    """Events that their producers broke, one that can be counted at once, and one that nothing can repair."""

    def __init__(self) -> None:
        self.prefix = new_prefix()
        # An hour of years ago that no other test has: so the options can choose these dead letters and no others.
        self.base_ms = 1_104_537_600_000 + int(self.prefix[:-1], 16) % 50_000 * 3_600_000
        self.whole: list[Record] = []
        self.broken: list[Record] = []
        for number, (topic, fields, break_it, delay_ms) in enumerate(BROKEN):
            event = self._event(f"e{number}") | fields
            event |= {name: self.prefix + event[name] for name in ("group_id", "order_id") if name in event}
            good = record(topic, event, self.base_ms + delay_ms)
            self.whole.append(good)
            self.broken.append(Record(topic, good.key, good.timestamp_ms, orjson.dumps(break_it(event))))
        self.hopeless = Record("comment", b"bad", self.base_ms, f'{{"room_id":"{self.prefix}room"'.encode())
        self.shown = record("comment", self._event("before") | {"user_id": "bob", "text": "hi"})
        self.since = datetime.fromtimestamp(self.base_ms / 1_000, UTC)
        self.until = self.since + timedelta(hours=3)
        self.options = ("--since", self.since.isoformat(), "--until", self.until.isoformat())

    def _event(self, event_id: str) -> Event:
        return {
            "event_id": f"{self.prefix}{event_id}",
            "event_time": self.base_ms,
            "schema_version": 1,
            "platform": "test",
            "room_id": f"{self.prefix}room",
            "user_id": f"{self.prefix}ann",
        }

    def expected(self, *more: Record) -> Tables:
        """What every table must show with the one good event and these."""
        return recompute([self.shown, *more], time_zone=TIME_ZONE).tables

    def markers(self) -> list[Record]:
        """One more event of each topic, two minutes later, with the keys of the others: it comes behind them."""
        one_of_each = {one.topic: one for one in self.whole}.values()
        events = [(one.topic, orjson.loads(one.value)) for one in one_of_each]
        return [
            record(topic, event | {"event_id": event["event_id"] + "-after", "event_time": self.base_ms + 120_000})
            for topic, event in events
        ]

    def replays(self, stack: Settings) -> list[tuple[Any, ...]]:
        """What is recorded as replayed: place, new partition and offset, by topic."""
        return query(
            stack,
            "SELECT _topic, _partition, _offset, new_partition, new_offset FROM dead_letter_replay"
            f" WHERE (_topic, _partition, _offset) IN ({_PLACES}) ORDER BY ALL",
            since=self.since,
            until=self.until,
        )

    def forget_replays(self, stack: Settings) -> None:
        """As if it had crashed between sending and recording."""
        query(
            stack,
            f"ALTER TABLE dead_letter_replay DELETE WHERE (_topic, _partition, _offset) IN ({_PLACES}) SETTINGS mutations_sync = 1",
            since=self.since,
            until=self.until,
        )


_PLACES = "SELECT _topic, _partition, _offset FROM dead_letter WHERE received_at >= %(since)s AND received_at < %(until)s"


@pytest.fixture(scope="module")
def case(stack: Settings) -> Case:
    """Sent, stored, and counted as far as it can be."""
    made = Case()
    send(stack, [made.shown, *made.broken, made.hopeless])
    wanted = [(len(made.broken) + 1,)]
    count = f"SELECT count() FROM ({_PLACES})"
    wait_for(lambda: query(stack, count, since=made.since, until=made.until) == wanted, "the dead letters")
    assert_tables(stack, made, made.expected())
    return made


@pytest.fixture(scope="module")
def replay(case: Case, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Event]:
    """`dead-letters replay` with the right fix, which leaves one dead letter as it is; returns its summary."""
    path = tmp_path_factory.mktemp("fix") / "fix.yaml"
    path.write_text(FIX)

    def run(*options: str) -> Event:
        summary: Event = orjson.loads(
            ended(cli("dead-letters", "replay", "--json", "--fix", str(path), *case.options, *options), 1)
        )
        [stays] = summary["stay_invalid"]
        assert (stays["topic"], stays["reason"], stays["dead_letters"]) == ("comment", "malformed_json", 1)
        return summary

    return run


def ended(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What a command wrote, having ended so."""
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def assert_tables(stack: Settings, case: Case, expected: Tables) -> None:
    comparison = await_tables(stack, expected, case.prefix)
    assert comparison.ok, str(comparison)


# In this order: each goes on where the one before has stopped.


def test_they_are_listed_and_shown(case: Case, cli: Cli) -> None:
    groups = orjson.loads(ended(cli("dead-letters", "list", "--json", *case.options), 0))
    assert {(g["topic"], g["reason"], g["field"]): (g["dead_letters"], g["replayed"]) for g in groups} == {
        ("comment", "missing_field", "user_id"): (2, 0),
        ("comment", "missing_field", "event_id"): (1, 0),
        ("comment", "malformed_json", ""): (1, 0),
        ("like", "wrong_type", "count"): (1, 0),
        ("group_message", "missing_field", "user_id"): (1, 0),
        ("view", "missing_field", "user_id"): (1, 0),
        ("product", "missing_field", "user_id"): (1, 0),
        ("order", "missing_field", "user_id"): (1, 0),
        ("order", "missing_field", "event_id"): (1, 0),
    }
    [place] = [g["example"] for g in groups if g["reason"] == "malformed_json"]
    assert ended(cli("dead-letters", "show", place, "--raw"), 0).encode() == case.hopeless.value


def test_without_a_fix_that_helps_nothing_is_sent(case: Case, stack: Settings, cli: Cli, replay: Callable[..., Event]) -> None:
    useless = cli("dead-letters", "replay", *case.options)
    assert useless.returncode == 1
    assert "Nothing was sent: of 10 dead letters that were tried, 8 would stay invalid" in useless.stderr
    assert replay("--dry-run")["would_be_sent"] == SENT
    assert case.replays(stack) == []


def test_a_replay_corrects_the_numbers(case: Case, stack: Settings, cli: Cli, replay: Callable[..., Event]) -> None:
    summary = replay()
    assert (summary["sent"], summary["already_replayed"], summary["failed"]) == (SENT, 0, 0)
    assert_tables(stack, case, case.expected(*case.whole))
    late = "SELECT is_late FROM comment_event FINAL WHERE event_id = %(id)s"
    assert wait_for(lambda: query(stack, late, id=f"{case.prefix}e2"), "the replayed comment in its event table") == [(True,)]

    topic, partition, offset, *new = case.replays(stack)[-1]
    assert topic == "view"
    told = ended(cli("dead-letters", "show", f"{topic}/{partition}/{offset}"), 0)
    assert f" as {topic}/{new[0]}/{new[1]}, event_id {case.prefix}e5, changed: " in told
    sent = record_at(stack, topic, *new)
    assert sent.headers() == [("livepulse-replayed-from", f"{topic}/{partition}/{offset}".encode())]
    original = next(one for one in case.whole if one.topic == topic)
    assert (sent.key(), sent.timestamp()[1]) == (original.key, case.base_ms)
    assert orjson.loads(sent.value() or b"") == orjson.loads(original.value)


def test_a_second_replay_sends_nothing(case: Case, replay: Callable[..., Event]) -> None:
    summary = replay("--max-invalid", "1")
    assert (summary["sent"], summary["already_replayed"]) == ({}, len(case.broken))


def test_a_crash_before_it_was_recorded_changes_no_number(case: Case, stack: Settings, replay: Callable[..., Event]) -> None:
    before = case.replays(stack)
    case.forget_replays(stack)
    assert replay()["sent"] == SENT
    after = case.replays(stack)
    assert [row[:4] for row in before] == [row[:4] for row in after], "copies are in the partition of the first"
    assert not {(row[0], *row[3:]) for row in before} & {(row[0], *row[3:]) for row in after}, "they were sent once more"
    markers = case.markers()
    send(stack, markers)
    expected = case.expected(*case.whole, *markers)
    assert_tables(stack, case, expected)
    time.sleep(1)  # not a wait for a result: an increase too many may be a mini-batch behind
    assert_tables(stack, case, expected)


def record_at(stack: Settings, topic: str, partition: int, offset: int) -> Message:
    """The record at a place in Kafka."""
    consumer = Consumer({"bootstrap.servers": stack.kafka_address, "group.id": new_prefix(), "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, partition, offset)])
        [message] = consumer.consume(1, timeout=30)
        return message
    finally:
        consumer.close()
