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
from tests.judge.strategies import events
from tests.judge.tables import Tables
from tests.realdata.record import Record

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


def shuffled(records: list[Record], chance: random.Random) -> list[Record]:
    """Another sequence, in which of records that tell one fact differently the first stays first: it is the one that counts."""

    def fact(record: Record) -> tuple[str, ...]:
        event = orjson.loads(record.value)
        return record.topic, event.get("order_id", event["event_id"]), event.get("status", "")

    waiting: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        waiting.setdefault(fact(record), []).append(record)
    return [waiting[fact(record)].pop(0) for record in chance.sample(records, len(records))]
