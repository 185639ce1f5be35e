"""ClickHouse alone, as the local stack has it: a Kafka table over all topics, a materialized view, a table of states.

Without `once`, copies count. With it they do not: each counter is the number of distinct ids, and money is kept by id, since
there is no sum of distinct events. That is exact (but for collisions of 128-bit hashes, which stand for the ids), at the cost
of keeping every id for as long as its window, in every merge. What it cannot do is forget the ids and keep the numbers: a
window must be rewritten as plain numbers by someone who knows that no copy will come any more.

A result is final when a query has merged the states: the end that is measured is that of the query.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from clickhouse_driver import Client

from pipelines.clickhouse import connect
from pipelines.kafka import address_for_clickhouse
from pipelines.settings import Settings
from tests.bench.family.contract import ResultRow, Spec, finish, read_spec

_SQL = Path(__file__).with_name("clickhouse_family.sql")
_POLL_SECONDS = 0.1
_MONEY = ("paid", "refunded")


def main() -> None:
    spec, settings = read_spec(), Settings()
    once = bool(spec.options.get("once"))
    database = f"bench_{uuid.uuid4().hex[:8]}"
    client = connect(settings, database="default")
    client.execute(f"CREATE DATABASE {database}")
    try:
        family, queue, view = _statements(spec, address_for_clickhouse(settings), database, once)
        client.execute(family)
        client.execute(queue)
        client.execute(view)  # from now on it reads
        began = _await_first(client, database)
        records = _await_last(client, database, spec.records)
        found = client.execute(_result(spec, database, once))
        ended = time.time()
    finally:
        client.execute(f"DROP DATABASE {database} SYNC")
    finish(spec, (_row(spec, row) for row in found), began=began, ended=ended, records=records)


def _statements(spec: Spec, kafka: str, database: str, once: bool) -> list[str]:
    if once:
        merge = [f"`{topic}` AggregateFunction(uniqExactIf, String, UInt8)" for topic in spec.topics]
        merge += [f"{status} AggregateFunction(maxMapIf, Array(String), Array(Int64), UInt8)" for status in _MONEY]
        count = [f"uniqExactIfState(event_id, _topic = '{topic}') AS `{topic}`" for topic in spec.topics]
        count += [f"maxMapIfState([event_id], [amount], _topic = 'order' AND status = '{status}') AS {status}" for status in _MONEY]
    else:
        merge = [f"`{topic}` SimpleAggregateFunction(sum, UInt64)" for topic in spec.topics]
        merge += [f"{status} SimpleAggregateFunction(sum, Int64)" for status in _MONEY]
        count = [f"countIf(_topic = '{topic}') AS `{topic}`" for topic in spec.topics]
        count += [f"sumIf(amount, _topic = 'order' AND status = '{status}') AS {status}" for status in _MONEY]
    merge.append("records SimpleAggregateFunction(sum, UInt64) COMMENT 'Read, copies included: to see the end.'")
    count.append("count() AS records")
    values = {
        "database": database,
        "kafka": kafka,
        "topics": ",".join(spec.topics),
        "merge": ",\n  ".join(merge),
        "count": ",\n  ".join(count),
    }
    sql = _SQL.read_text(encoding="utf-8")
    for name, value in values.items():
        sql = sql.replace(f"${{{name}}}", value)
    return [statement for statement in sql.split(";\n") if statement.strip()]


def _result(spec: Spec, database: str, once: bool) -> str:
    if once:
        counters = [f"uniqExactIfMerge(`{topic}`)" for topic in spec.topics]
        counters += [f"arraySum(maxMapIfMerge({status}).2)" for status in _MONEY]
    else:
        counters = [f"sum(`{name}`)" for name in (*spec.topics, *_MONEY)]
    columns = ", ".join(counters)
    return f"SELECT room_id, window_start, {columns}, uniqExactMerge(users) FROM {database}.family GROUP BY room_id, window_start"


def _row(spec: Spec, row: tuple[Any, ...]) -> ResultRow:
    room, window, *numbers, paid, refunded, users = row
    counts = {topic: number for topic, number in zip(spec.topics, numbers, strict=True) if number}
    return ResultRow(room_id=room or None, window_start=window, counts=counts, paid=paid, refunded=refunded, users=users)


def _await_first(client: Client, database: str) -> float:
    """When a reader had its first records, in seconds of the epoch."""
    while not client.execute(f"SELECT sum(num_messages_read) FROM system.kafka_consumers WHERE database = '{database}'")[0][0]:
        time.sleep(_POLL_SECONDS / 5)
    return time.time()


def _await_last(client: Client, database: str, records: int) -> int:
    """The number of records that the table has counted, once it has all."""
    while (counted := client.execute(f"SELECT sum(records) FROM {database}.family")[0][0]) < records:
        time.sleep(_POLL_SECONDS)
    return int(counted)


if __name__ == "__main__":
    main()
