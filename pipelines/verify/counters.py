"""Promise 2: every counter equals what a batch recomputation over the event tables gives, row by row.

The recomputation is each counter's `batch` definition in its job's metadata: ClickHouse's SQL over the events that
count. It shares nothing with Flink's SQL but the names.

Counters outlive the events. Rows whose events may have been deleted by their age are left out; and who bought before
the events begin is known from `buyer_day`, which was compared while its orders were stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from jobs.catalogue import Job, TableCounters, jobs
from pipelines.verify.result import Check
from pipelines.verify.retention import events_whole_since
from schemas.grains import Grain, grains
from schemas.storage import event_table

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings

_EXAMPLES = 5
_ON_THE_WAY_SECONDS = 5
_LONGEST_BROADCAST_DAYS = 2
"""A broadcast may have shown its products so long before anybody watched or took part, which no counter has the time of."""


def check_counters(
    settings: Settings, client: Client, settle_seconds: int, progress: Callable[[str], object] = lambda _: None
) -> list[Check]:
    """Checks every table that jobs count into.

    Args:
        settle_seconds: rows that counted a record stored within this many seconds are left out: they may be on
            their way.
        progress: told which table is checked next.
    """
    checks = []
    held = _Held(events_whole_since(settings, client))
    for job in jobs().values():
        for name, spec in job.tables.items():
            progress(f"{name} ({job.name})")
            checks.append(_check_table(client, job, grains()[name], spec, settle_seconds, held))
    return checks


@dataclass(frozen=True)
class _Held:
    """Which events are certainly still stored: those from a midnight on, or all."""

    since: datetime | None

    def parameters(self) -> dict[str, object]:
        """What the statements call it."""
        if self.since is None:
            return {"held_since": 0, "first_day": date(1970, 1, 1)}
        return {"held_since": int(self.since.timestamp()), "first_day": self.since.date()}

    def of(self, grain: Grain) -> str:
        """Whether all events of a row are."""
        if self.since is None:
            return "1"
        if "window_start" in grain.keys:
            return "window_start >= toDateTime(%(held_since)s, 'UTC')"
        if "day" in grain.keys:
            return "day >= %(first_day)s"
        return f"""(room_id, broadcast_id) NOT IN (
    SELECT room_id, broadcast_id FROM broadcast_counters FINAL
    WHERE least(ifNull(first_view_at, last_record_at), ifNull(first_activity_at, last_record_at))
      < toDateTime(%(held_since)s, 'UTC') + toIntervalDay({_LONGEST_BROADCAST_DAYS})
  )"""


def comparison_sql(job: Job, grain: Grain, spec: TableCounters, settle_seconds: int, held: _Held) -> str:
    """A SELECT with a row for each row on either side: its keys, then `<counter>` and `<counter>_batch` for each counter.

    A side that has no such row has zeros. `is_stored`, `is_batch` and `differs` say which sides have the row and whether
    they agree; `settled` is false where a record was stored too recently to be counted everywhere, or so long ago that it may
    have been deleted.
    """
    keys = ", ".join(grain.keys)
    batch_keys = ", ".join(f"{sql} AS {key}" for key, sql in grain.batch_keys.items())
    batch_counters = ", ".join(f"{job.counters[c].batch_over(spec.batch)} AS {c}" for c in spec.counters)
    nothing = {c: "toDateTime64(0, 3, 'UTC')" if c.endswith("_at") else "toUInt64(0)" for c in spec.counters}
    stored = ", ".join(f"ifNull({c}, {nothing[c]}) AS {c}_value" for c in spec.counters)
    recomputed = ", ".join(f"CAST({c} AS {_type(c)}) AS {c}_value" for c in spec.counters)
    live = ", ".join(f"max(if(side = 'stored', {c}_value, {nothing[c]})) AS {c}" for c in spec.counters)
    batch = ", ".join(f"max(if(side = 'batch', {c}_value, {nothing[c]})) AS {c}_batch" for c in spec.counters)
    differs = " OR ".join(f"{c} != {c}_batch" for c in spec.counters)
    exists = " OR ".join(f"{c} != {nothing[c]}" for c in spec.counters)
    exists_batch = " OR ".join(f"{c}_batch != {nothing[c]}" for c in spec.counters)
    fresh_topics = " UNION DISTINCT ".join(
        f"SELECT {batch_keys} FROM {topic}_event WHERE inserted_at > now() - {settle_seconds}"
        for topic in job.topics
        if _has_keys(topic, grain)
    )
    return f"""
WITH rows AS (
  SELECT 'stored' AS side, {keys}, {stored} FROM {grain.storage} FINAL
  UNION ALL
  SELECT 'batch' AS side, {keys}, {recomputed} FROM (
    SELECT {batch_keys}, {batch_counters} FROM ({job.batch[spec.batch]}) GROUP BY {", ".join(grain.batch_keys)}
  )
), compared AS (
  SELECT {keys}, {live}, {batch} FROM rows GROUP BY {keys}
  HAVING {exists} OR {exists_batch}
)
SELECT *, ({exists}) AS is_stored, ({exists_batch}) AS is_batch, ({differs}) AS differs,
  ({keys}) NOT IN ({fresh_topics}) AND {held.of(grain)} AS settled
FROM compared"""


def _type(counter: str) -> str:
    return "DateTime64(3, 'UTC')" if counter.endswith("_at") else "UInt64"


def _has_keys(topic: str, grain: Grain) -> bool:
    columns = event_table(topic).columns
    return all(key in columns or key == "window_start" for key in grain.keys)


def _check_table(client: Client, job: Job, grain: Grain, spec: TableCounters, settle_seconds: int, held: _Held) -> Check:
    started = time.monotonic()
    check = _compare(client, job, grain, spec, settle_seconds, held)
    if settle_seconds and not check.holds:
        # While events arrive, an order can make another window's order a repeat: a row that no new record names
        # changes too. What still differs after a while is a difference.
        time.sleep(min(settle_seconds, _ON_THE_WAY_SECONDS))
        check = _compare(client, job, grain, spec, settle_seconds, held)
    check.seconds = time.monotonic() - started
    return check


def _compare(client: Client, job: Job, grain: Grain, spec: TableCounters, settle_seconds: int, held: _Held) -> Check:
    check = Check("counters", f"{grain.name} ({job.name})")
    sql = comparison_sql(job, grain, spec, settle_seconds, held)
    [(check.compared, check.left_out, check.lost, check.extra, check.wrong)] = client.execute(
        f"""SELECT countIf(settled), countIf(NOT settled), countIf(settled AND NOT is_stored), countIf(settled AND NOT is_batch),
        countIf(settled AND differs AND is_stored AND is_batch) FROM ({sql})""",
        held.parameters(),
    )
    if not check.holds:
        examples = f"SELECT * FROM ({sql}) WHERE settled AND differs LIMIT {_EXAMPLES}"
        rows, columns = client.execute(examples, held.parameters(), with_column_types=True)
        check.examples = [_example(dict(zip([name for name, _ in columns], row, strict=True)), grain, spec) for row in rows]
    return check


def _example(row: dict[str, object], grain: Grain, spec: TableCounters) -> str:
    keys = ", ".join(f"{key}={row[key]}" for key in grain.keys)
    wrong = ", ".join(f"{c} {row[c]} instead of {row[f'{c}_batch']}" for c in spec.counters if row[c] != row[f"{c}_batch"])
    return f"{keys}: {wrong}"
