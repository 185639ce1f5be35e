"""Any permutation, duplication or split of the same events gives the same counters."""

from __future__ import annotations

import random
import time

import orjson
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as with_settings

from pipelines.settings import Settings
from tests.e2e.pipeline import await_tables, new_prefix, prefixed, send
from tests.golden.case import TIME_ZONE
from tests.judge.recompute import recompute
from tests.judge.strategies import BASE_MS, events
from tests.judge.tables import Tables
from tests.realdata.record import Record, record

MANY_MINUTES = 50
VARIANTS = ("as it is", "shuffled", "doubled", "shuffled and doubled", "split")


def collect_logs(count: int) -> list[list[Record]]:
    """Logs that hypothesis draws: gathered first, because one trip through the pipeline can carry them all."""
    logs: list[list[Record]] = []

    @seed(20261122)
    @with_settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(events(min_size=4, max_size=12))
    def draw(log: list[Record]) -> None:
        logs.append(log)

    draw()
    return logs


def test_order_copies_and_pauses_change_nothing(stack: Settings) -> None:
    chance = random.Random(7)
    common = new_prefix()
    sent: dict[str, tuple[str, list[Record]]] = {}
    rest: list[Record] = []
    now: list[Record] = []
    for log in collect_logs(40):
        for variant in VARIANTS:
            prefix = f"{common}{len(sent):03}-"
            own = [prefixed(record, prefix) for record in log]
            varied = list(own)
            if "doubled" in variant:
                varied += chance.sample(own, len(own) // 2 + 1)
            if "shuffled" in variant:
                varied = shuffled(varied, chance)
            cut = len(varied) // 2 if variant == "split" else len(varied)
            now += varied[:cut]
            rest += varied[cut:]
            sent[prefix] = (variant, own)
    send(stack, now)
    time.sleep(1.5)  # not a wait for a result: the halves shall fall into different mini-batches
    send(stack, rest)
    wanted: Tables = {}
    for _, own in sent.values():
        for table, rows in recompute(own, time_zone=TIME_ZONE).tables.items():
            wanted.setdefault(table, {}).update(rows)
    comparison = await_tables(stack, wanted, common)
    assert comparison.ok, f"{comparison}\nof these logs:\n" + "\n".join(
        f"{prefix} {variant}: {[record.value for record in own]}"
        for prefix, (variant, own) in sent.items()
        if prefix in str(comparison)
    )


def test_people_of_many_minutes_in_any_order(stack: Settings) -> None:
    """More minutes than `novelty` keeps of a user on the heap."""
    chance = random.Random(11)
    prefix = new_prefix()
    log = [
        record(
            topic,
            {
                "event_id": f"{topic}-{user}-{minute}-{number}",
                "event_time": BASE_MS + minute * 60_000 + chance.randrange(60_000),
                "schema_version": 1,
                "platform": "test",
                "room_id": "r1",
                "user_id": user,
            }
            | fields,
            BASE_MS + MANY_MINUTES * 60_000,
        )
        for user in ("ann", "bob", "cid", "dan")
        for minute in sorted(chance.sample(range(MANY_MINUTES), 30))
        for topic, fields in (("comment", {"text": "hi"}), ("like", {"count": 1}))
        for number in range(chance.randrange(3))
    ]
    own = shuffled([prefixed(one, prefix) for one in log], chance)
    send(stack, [*own, *chance.sample(own, len(own) // 2)])
    comparison = await_tables(stack, recompute(own, time_zone=TIME_ZONE).tables, prefix)
    assert comparison.ok, str(comparison)


def shuffled(records: list[Record], chance: random.Random) -> list[Record]:
    """Another sequence, in which of records that tell one fact differently the first stays first: it is the one that counts."""

    def fact(one: Record) -> tuple[str, ...]:
        event = orjson.loads(one.value)
        return one.topic, event.get("order_id", event["event_id"]), event.get("status", "")

    waiting: dict[tuple[str, ...], list[Record]] = {}
    for one in records:
        waiting.setdefault(fact(one), []).append(one)
    return [waiting[fact(one)].pop(0) for one in chance.sample(records, len(records))]
