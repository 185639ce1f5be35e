"""One case with one seed: break, send, recover, and ask the judge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.watch.catchup import Offsets, ends
from schemas.topics import topics
from tests.e2e.pipeline import await_tables, query, wait_for
from tests.faults.cases import Case
from tests.faults.feed import Feed, at_once
from tests.faults.freshness import FreshnessWatch
from tests.faults.stack import Stack
from tests.judge.compare import Comparison
from tests.judge.recompute import recompute

RECOVERS_WITHIN = 240.0
_BEFORE = 4.0
"""Seconds of events before something breaks."""

_STORED_WITHIN = 60.0


@dataclass(frozen=True)
class Result:
    """What a case did to the records and the numbers."""

    case: str
    seed: int
    sent: int
    lost: int
    """Records that are stored nowhere."""
    extra: int
    """Records that are in Kafka and were not sent, or are stored in two places."""
    rows: int
    """Rows of counters compared with the judge's."""
    wrong: int
    """Rows that are missing, or that should not be, or have a counter that differs."""
    recovery_seconds: float | None
    """From the fault until numbers were fresh for good; None for strange input."""
    longest_gap_seconds: float | None
    catch_up: float | None
    """Seconds of events counted in a second while catching up."""
    differences: str

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        return not (self.lost or self.extra or self.wrong)


def run(stack: Stack, case: Case, seed: int) -> Result:
    """Runs it; the stack is well before and after."""
    settings, random = stack.settings, Random(f"{case.name} {seed}")
    prefix = f"f{uuid4().hex[:8]}"
    before = ends(settings)
    recovery = gap = catch_up = None
    if case.fault is None:
        streams = [_begun(stream) for stream in case.streams]
        sent = at_once(settings, prefix, seed, streams, lambda records: case.strange(records, random))
    else:
        feed, watch = Feed(settings, prefix, seed), FreshnessWatch(settings, prefix)
        feed.start()
        watch.start()
        try:
            wait_for(watch.is_fresh, f"fresh numbers before {case.name}", RECOVERS_WITHIN)
            time.sleep(_BEFORE + random.uniform(0, 10))  # anywhere in a window
            broken = time.time()
            case.fault(stack, random)
            time.sleep(_BEFORE)
            # Numbers may stay fresh for a while: a TaskManager computes on until it misses its JobManager.
            wait_for(lambda: stack.is_computing() and watch.is_fresh(), f"fresh numbers after {case.name}", RECOVERS_WITHIN)
        finally:
            watch.stop()
            sent = feed.stop()
        recovery, gap, catch_up = watch.recovery_seconds(broken), watch.longest_gap(broken), watch.catch_up(broken)
    comparison = _judged(settings, prefix, sent)
    lost, extra = _accounted(settings, before, sent)
    return Result(
        case=case.name,
        seed=seed,
        sent=len(sent),
        lost=lost,
        extra=extra,
        rows=comparison.compared,
        wrong=sum(len({w.key for w in t.wrong}) + len(t.missing) + len(t.extra) for t in comparison.tables),
        recovery_seconds=recovery,
        longest_gap_seconds=gap,
        catch_up=catch_up,
        differences="" if comparison.ok else str(comparison),
    )


def _begun(stream: Mapping[str, Any]) -> dict[str, Any]:
    """Streams say how long ago they begin; simulations when."""
    begun = dict(stream)
    if ago := begun.pop("ago_seconds", None):
        now = int(time.time() * 1_000)
        begun |= {"start_ms": now - ago * 1_000, "refunds_until_ms": now}
    return begun


def _judged(settings: Settings, prefix: str, sent: list[Record]) -> Comparison:
    """The judge's tables against ClickHouse's, once these have caught up."""
    judgement = recompute(sent, time_zone=settings.time_zone)
    assert any(judgement.tables.values()), "nothing to compare"
    return await_tables(settings, judgement.tables, prefix, groups=f"group-{prefix}", seconds=120)


def _accounted(settings: Settings, before: Offsets, sent: list[Record]) -> tuple[int, int]:
    """As `_account`, when storing has caught up: events are stored later than they are counted."""
    deadline = time.monotonic() + _STORED_WITHIN
    while True:
        lost, extra = _account(settings, before, sent)
        if not lost or time.monotonic() > deadline:
            return lost, extra
        time.sleep(0.5)


def _account(settings: Settings, before: Offsets, sent: list[Record]) -> tuple[int, int]:
    """Of the records that were sent: how many are stored nowhere, and how many places hold what they should not."""
    after = ends(settings)
    lost = extra = 0
    for topic in topics():
        wanted = sum(record.topic == topic for record in sent)
        partitions = {number: (before.get((name, number), 0), end) for (name, number), end in after.items() if name == topic}
        in_kafka = sum(end - begin for begin, end in partitions.values())
        stored = twice = 0
        for number, (begin, end) in partitions.items():
            where = f"_partition = {number} AND _offset >= {begin} AND _offset < {end}"
            [(places, rows)] = query(
                settings,
                f"""SELECT uniqExact(_offset), count() FROM (
                SELECT DISTINCT _offset, 'event' FROM {topic}_event WHERE {where}
                UNION ALL SELECT DISTINCT _offset, 'dead' FROM dead_letter WHERE _topic = '{topic}' AND {where})""",
            )
            stored += places
            twice += rows - places
        lost += max(0, wanted - stored)
        extra += max(0, in_kafka - wanted) + twice
    return lost, extra
