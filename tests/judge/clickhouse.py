"""The tables as ClickHouse holds them, in the judge's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clickhouse_driver import Client

from schemas.events.base import MAX_EVENT_TIME
from tests.judge.tables import COUNTERS, FRESHNESS, NAMES, Rows, Tables, keys_of, without_empty


def read_tables(
    client: Client,
    database: str,
    *,
    rooms: str = "",
    groups: str = "",
    tables: Iterable[str] = NAMES,
    more: Mapping[str, Iterable[str]] | None = None,
) -> Tables:
    """The `<name>_counters` of `database`, merged.

    `rooms` and `groups` keep only the rows whose room, or group, starts with the prefix; `more` names counters of a table
    that are to be read beside those of the judge.
    """
    return {
        table: _read(client, database, table, groups if "group_id" in keys_of(table) else rooms, set((more or {}).get(table, ())))
        for table in tables
    }


def _read(client: Client, database: str, table: str, prefix: str, more: set[str]) -> Rows:
    keys = keys_of(table)
    # The sums over a broadcast's products are a view without a table of its own.
    storage, final = (table, "") if table == "broadcast_sales" else (f"{table}_counters", "FINAL")
    types = dict(
        client.execute(
            "SELECT name, type FROM system.columns WHERE database = %(database)s AND table = %(table)s ORDER BY position",
            {"database": database, "table": storage},
        )
    )
    absent = [column for column in keys if column not in types]
    if absent:
        raise LookupError(f"{database}.{storage}: no column {', '.join(absent)} (found: {', '.join(types) or 'none'})")
    # Other columns than the ADR's (a version, an insertion time) are no counters; a counter that is missing shows as a difference.
    wanted = {*COUNTERS.get(table, ()), *more, FRESHNESS}
    counters = [column for column in types if column in wanted]
    columns = ", ".join(_as_plain(column, types[column]) for column in (*keys, *counters))
    # FINAL merges what the background has not merged yet: each key once, max (or min) over all its parts.
    rows = client.execute(
        f"SELECT {columns} FROM `{database}`.`{storage}` {final} WHERE startsWith(`{keys[0]}`, %(prefix)s)", {"prefix": prefix}
    )
    plain: Rows = {}
    for row in rows:
        values = zip(counters, row[len(keys) :], strict=True)
        plain[row[: len(keys)]] = {name: _time(value) if name.endswith("_at") else value for name, value in values}
    return without_empty(table, plain, more)


def _as_plain(column: str, declared: str) -> str:
    """The column as text or a number, whatever its type: so that no driver's idea of time zones comes between."""
    name = f"`{column}`"
    if "DateTime64" in declared:
        return f"toUnixTimestamp64Milli({name})"
    if "DateTime" in declared:
        # A time that is stored in whole seconds can hold a window's start, but not the milliseconds of an event.
        return f"toUnixTimestamp({name})" if column == "window_start" else f"toUnixTimestamp({name}) * 1000"
    if "Date" in declared:
        return f"toString({name})"
    return name


def _time(value: int | None) -> int:
    """A time in milliseconds; 0 for one that nothing set, be it stored as NULL, as the epoch, or past every valid time."""
    return 0 if value is None or value >= MAX_EVENT_TIME else value
