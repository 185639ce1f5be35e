"""The simulated broadcasts: the same from the same seed, believable, and broken only where they say so."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.recording import Record
from pipelines.simulate import Simulation, SimulationSettings
from pipelines.simulate.run import Run
from schemas.rules import Reason
from schemas.topics import topics
from tests.judge.validity import classify
from tests.recordings import read, write

START = 1_767_225_600_000
NO_FAULTS: dict[str, Any] = {"duplicates": 0, "disorder": 0, "late": 0, "malformed": 0}


def made(**changes: Any) -> list[Record]:
    """The records of one simulation."""
    return list(Simulation(SimulationSettings(**{"start_ms": START, "rate": 1_000, "duration_seconds": 60, **changes})).records())


@cache
def minute() -> list[Record]:
    """A minute with the usual faults."""
    return made()


@cache
def hour() -> list[tuple[str, dict[str, Any]]]:
    """Topic and event of an hour without faults."""
    return [(record.topic, orjson.loads(record.value)) for record in made(rate=100, duration_seconds=3_600, **NO_FAULTS)]


# --- the same from the same seed


def test_same_seed_and_settings_give_the_same_bytes() -> None:
    assert made(duration_seconds=20, clock_skew_seconds=100) == made(duration_seconds=20, clock_skew_seconds=100)


def test_start_moves_times_and_ids_and_nothing_else() -> None:
    def without_run(record: Record, start_ms: int) -> tuple[object, ...]:
        event = orjson.loads(record.value)
        del event["event_id"]
        event["event_time"] -= start_ms
        for name in ("stream_id", "order_id", "reply_to"):
            event.pop(name, None)
        return record.topic, record.key, record.timestamp_ms - start_ms, tuple(event.items())

    later = START + 12_345_678
    one, other = (made(start_ms=start, duration_seconds=10, malformed=0) for start in (START, later))
    assert [without_run(record, START) for record in one] == [without_run(record, later) for record in other]


@pytest.mark.parametrize("change", [{"seed": 2}, {"start_ms": START + 1}, {"rate": 1_001}, {"room_prefix": "other"}])
def test_ids_of_other_runs_are_other_ids(change: dict[str, Any]) -> None:
    def ids(records: list[Record]) -> set[str]:
        return {orjson.loads(record.value)["event_id"] for record in records}

    one, other = made(duration_seconds=2, **NO_FAULTS), made(duration_seconds=2, **NO_FAULTS | change)
    assert not ids(one) & ids(other)


def test_begin_at_moves_every_time() -> None:
    simulation = Simulation(SimulationSettings(start_ms=START, rate=300, duration_seconds=10, malformed=0))
    simulation.begin_at(START + 5_000)
    moved = list(simulation.records())
    plain = made(rate=300, duration_seconds=10, malformed=0)
    assert [record.timestamp_ms - 5_000 for record in moved] == [record.timestamp_ms for record in plain]
    assert [orjson.loads(r.value)["event_time"] - 5_000 for r in moved] == [orjson.loads(r.value)["event_time"] for r in plain]


def test_limits() -> None:
    assert len(made(events=777)) == 777
    assert made(events=777) == minute()[:777]
    assert all(START <= record.timestamp_ms < START + 1_500 for record in made(duration_seconds=1.5))


# --- valid unless a fault says otherwise


def test_every_record_gets_the_verdict_that_it_was_made_for() -> None:
    late = 0
    for record in made(clock_skew_seconds=290, malformed=0.05, late=0.05):
        verdict, _ = classify(record.topic, record.value, record.timestamp_ms, lateness_seconds=3_600, future_seconds=300)
        assert verdict.reason == record.fault, record
        late += verdict.kind == "late"
    assert late / 60_000 == pytest.approx(0.05, rel=0.2)


def test_every_reason_comes_up() -> None:
    assert {record.fault for record in made(rate=300, malformed=0.5)} == {None, *Reason}


def test_records_are_keyed_as_the_topics_say() -> None:
    for record in minute():
        if record.fault is None:
            assert record.key == orjson.loads(record.value)[topics()[record.topic].key]


def test_values_are_what_orjson_would_write() -> None:
    for record in minute():
        if record.fault is None:
            assert orjson.dumps(orjson.loads(record.value)) == record.value


def test_event_ids_are_unique_but_for_copies() -> None:
    values: dict[str, bytes] = {}
    copies = 0
    for record in minute():
        if record.fault is None:
            event_id = orjson.loads(record.value)["event_id"]
            copies += event_id in values
            assert values.setdefault(event_id, record.value) == record.value
    assert copies / len(minute()) == pytest.approx(0.02, rel=0.25)


def test_sent_in_order_of_time_and_never_before_it_happened() -> None:
    assert all(one.timestamp_ms <= other.timestamp_ms for one, other in pairwise(minute()))
    delays = [record.timestamp_ms - orjson.loads(record.value)["event_time"] for record in minute() if record.fault is None]
    assert min(delays) == 0
    assert sum(1_000 <= delay <= 30_000 for delay in delays) / len(delays) == pytest.approx(0.05, rel=0.25)
    assert sum(61 * 60_000 <= delay <= 181 * 60_000 for delay in delays) / len(delays) == pytest.approx(0.01, rel=0.25)


def test_without_faults_everything_leaves_when_it_happens() -> None:
    for record in made(duration_seconds=5, **NO_FAULTS):
        assert record.timestamp_ms == orjson.loads(record.value)["event_time"]
        assert record.fault is None


def test_clock_skew_is_a_users_own() -> None:
    skews: dict[str, set[int]] = {}
    for record in made(clock_skew_seconds=120, **NO_FAULTS):
        if record.topic != "order":
            event = orjson.loads(record.value)
            skews.setdefault(event["user_id"], set()).add(event["event_time"] - record.timestamp_ms)
    assert all(len(found) == 1 for found in skews.values())
    off = [found.pop() for found in skews.values()]
    assert max(map(abs, off)) <= 120_000
    assert sum(skew != 0 for skew in off) / len(off) == pytest.approx(0.2, abs=0.05)


# --- believable


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("rooms", [1, 8, 40])
def test_rate_is_right_from_the_first_minute(seed: int, rooms: int) -> None:
    records = made(seed=seed, rooms=rooms)
    assert len(records) / 60 == pytest.approx(1_000, rel=0.15)
    first = sum(record.timestamp_ms < START + 5_000 for record in records)
    assert first / 5 == pytest.approx(1_000, rel=0.25)


def test_mix() -> None:
    total = len(hour())
    share = {topic: count / total for topic, count in Counter(topic for topic, _ in hour()).items()}
    assert share.keys() == {"comment", "like", "order", "group_message", "view", "product"}
    assert 0.60 <= share["view"] <= 0.75
    assert 0.18 <= share["comment"] + share["like"] <= 0.25
    assert 0.06 <= share["product"] <= 0.11
    assert 0.005 <= share["order"] <= 0.015
    assert 0.01 <= share["group_message"] <= 0.02


def test_rooms_are_of_very_different_size() -> None:
    beats = Counter(event["room_id"] for topic, event in hour() if topic == "view")
    assert max(beats.values()) > 6 * min(beats.values())


def test_sessions_are_mostly_short_and_some_very_long() -> None:
    entered: dict[tuple[str, str], int] = {}
    lengths = []
    for topic, event in hour():
        if topic == "view":
            visit = event["user_id"], event["room_id"]
            if event["action"] == "enter":
                entered[visit] = event["event_time"]
            elif event["action"] == "leave" and visit in entered:
                lengths.append((event["event_time"] - entered.pop(visit)) / 1_000)
    percent = quantiles(lengths, n=100)
    assert 40 < percent[49] < 100
    assert percent[89] > 3.5 * percent[49]
    assert percent[98] > 10 * percent[49]


def test_a_viewer_beats_every_ten_seconds() -> None:
    last: dict[tuple[str, str], int] = {}
    between: Counter[int] = Counter()
    for topic, event in hour():
        if topic == "view":
            visit = event["user_id"], event["room_id"]
            before = last.pop(visit, None)
            if event["action"] == "heartbeat" and before is not None:
                between[event["event_time"] - before] += 1
            if event["action"] != "leave":
                last[visit] = event["event_time"]
    assert between.keys() == {10_000}
    assert between[10_000] > 100_000


def test_pins_make_comments_burst() -> None:
    per_second = Counter(
        event["event_time"] // 1_000 for topic, event in hour() if topic == "comment" and event["room_id"] == "room-01"
    )
    counts = sorted(per_second.values())
    assert counts[-len(counts) // 20] > 2 * counts[len(counts) // 2]


def test_likes_come_in_batches() -> None:
    taps = [event["count"] for topic, event in hour() if topic == "like"]
    assert min(taps) == 1
    assert max(taps) == 50


def test_the_funnel_narrows() -> None:
    steps = Counter(event.get("action") or event.get("status") for topic, event in hour() if topic in ("product", "order"))
    order = ["expose", "click", "cart", "created", "paid", "cancelled", "refunded"]
    assert [step for step, _ in steps.most_common()] == order


def test_an_order_keeps_its_facts_and_its_sequence() -> None:
    orders: dict[str, list[dict[str, Any]]] = {}
    for topic, event in hour():
        if topic == "order":
            orders.setdefault(event["order_id"], []).append(event)
    known = [history for history in orders.values() if history[0]["status"] == "created"]
    # Those under way when the run began were created before it.
    assert len(known) > 0.9 * len(orders)
    for history in known:
        first = history[0]
        kept = ("user_id", "product_id", "currency", "room_id", "source", "promotion_id")
        assert all(event.get(name) == first.get(name) for event in history for name in kept)
        statuses = [event["status"] for event in history if event["status"] != "refunded"]
        assert statuses in (["created"], ["created", "paid"], ["created", "cancelled"])
        back = [event for event in history if event["status"] == "refunded"]
        assert sum(event["amount"] for event in back) <= first["amount"]
        assert not back or statuses[-1] == "paid"
    assert {event["currency"] for history in orders.values() for event in history} == {"CNY", "USD"}


def test_buyers_come_back() -> None:
    paid = Counter(event["user_id"] for topic, event in hour() if topic == "order" and event["status"] == "paid")
    assert 0.05 < sum(count > 1 for count in paid.values()) / len(paid) < 0.5


def test_groups_chat_around_broadcasts_too() -> None:
    messages = [event for topic, event in hour() if topic == "group_message"]
    assert {event["role"] for event in messages} == {"member", "staff"}
    assert any("room_id" not in event for event in messages)
    off_air = [event for event in messages if "stream_id" not in event and event.get("room_id") not in (None, "room-05")]
    assert off_air


def test_one_room_in_eight_does_not_name_its_broadcast() -> None:
    unnamed = {event["room_id"] for topic, event in hour() if topic == "view" and "stream_id" not in event}
    assert unnamed == {"room-05"}


def test_a_room_has_one_broadcast_after_the_other() -> None:
    streams: dict[str, list[str]] = {}
    for topic, event in hour():
        if topic == "view" and event["action"] == "enter" and "stream_id" in event:
            seen = streams.setdefault(event["room_id"], [])
            if not seen or seen[-1] != event["stream_id"]:
                seen.append(event["stream_id"])
    assert all(len(seen) == len(set(seen)) for seen in streams.values())
    assert any(len(seen) > 1 for seen in streams.values())


def test_late_refunds_come_after_the_end_when_asked_for() -> None:
    end = START + 600_000
    tail = made(rate=100, duration_seconds=600, refunds_until_ms=end + 10 * 86_400_000)
    plain = made(rate=100, duration_seconds=600)
    assert tail[: len(plain)] == plain
    refunds = [(record, orjson.loads(record.value)) for record in tail[len(plain) :]]
    assert len(refunds) > 5
    for record, event in refunds:
        assert event["status"] == "refunded"
        assert end - 1_000 <= record.timestamp_ms == event["event_time"] <= end + 10 * 86_400_000


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"late": 0.4, "disorder": 0.4, "malformed": 0.4}, {"clock_skew_seconds": 290, "future_seconds": 60}]
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        SimulationSettings(start_ms=START, **wrong)


# --- sending


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_real_time_gives_each_record_the_moment_at_which_it_leaves() -> None:
    clock = Clock(START / 1_000)
    sent: list[tuple[float, Record]] = []
    run = Run(
        Simulation(SimulationSettings(start_ms=START, rate=200, duration_seconds=5)),
        lambda record: sent.append((clock.now, record)),
        realtime=True,
        clock=clock,
        sleep=clock.sleep,
    )
    run.run()
    planned = made(rate=200, duration_seconds=5)
    assert [record.value for _, record in sent] == [record.value for record in planned]
    for (now, record), plan in zip(sent, planned, strict=True):
        assert record.timestamp_ms == pytest.approx(now * 1_000, abs=1)
        assert 0 <= record.timestamp_ms - plan.timestamp_ms <= 3
    assert run.sent == len(planned) == sum(run.topics.values())


def test_fast_keeps_simulated_times_and_waits_only_for_the_present() -> None:
    clock = Clock(START / 1_000 + 3)
    sent: list[tuple[float, Record]] = []
    simulation = Simulation(SimulationSettings(start_ms=START, rate=200, duration_seconds=5))
    Run(simulation, lambda record: sent.append((clock.now, record)), realtime=False, clock=clock, sleep=clock.sleep).run()
    assert [record for _, record in sent] == made(rate=200, duration_seconds=5)
    assert all(record.timestamp_ms <= now * 1_000 for now, record in sent)
    assert [now for now, _ in sent][len(sent) // 2] == START / 1_000 + 3


def test_stop_ends_an_endless_run() -> None:
    sent: list[Record] = []
    simulation = Simulation(SimulationSettings(start_ms=START, rate=200))
    Run(simulation, sent.append, realtime=False, stopped=lambda: len(sent) > 1_000).run()
    assert 1_000 < len(sent) < 1_200


# --- the command, without Kafka


def livepulse(*arguments: str) -> Any:
    """The result of a command."""
    return CliRunner().invoke(app, ["simulate", *arguments])


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_no_send_writes_the_recording(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    options = ("--no-send", "--out", str(out), "--start", "2026-01-01T00:00:00Z", "--duration", "60", "--rate", "1000", "--json")
    done = livepulse(*options)
    assert done.exit_code == 0, done.output
    assert list(read([out])) == minute()
    summary = json.loads(done.stdout)
    assert summary["sent"] == len(minute())
    assert summary["malformed"] == Counter(record.fault for record in minute() if record.fault)
    first = out.read_bytes()
    livepulse(*options)
    assert out.read_bytes() == first
    assert write(tmp_path / f"again-{name}", read([out])) == len(minute())
    assert (tmp_path / f"again-{name}").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--no-send"], "--out"),
        (["--fast"], "an end"),
        (["--start", "2026-01-01"], "real time"),
        (["--fast", "--duration", "1", "--start", "2099-01-01"], "future"),
        (["--refund-tail", "3"], "--fast"),
        (["--no-send", "--out", "x", "--duration", "1", "--room-prefix", "a b"], "room_prefix"),
    ],
)
def test_options_that_make_no_sense_are_explained(options: list[str], says: str) -> None:
    done = livepulse(*options)
    assert says in str(getattr(done.exception, "message", "")), done.output


def test_a_start_that_is_no_time_is_explained() -> None:
    done = livepulse("--fast", "--duration", "1", "--start", "yesterday")
    assert done.exit_code == 2
