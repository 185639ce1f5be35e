"""What the Flink contenders share: sources up to the end that was given, sending an application, its end, and its rows.

The sources are bounded, so that an application ends by itself exactly where it should. Nothing else changes by that: it is
planned and run as a stream, mini-batches go out by the clock, and checkpoints are made as always.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from kafka.admin import NewTopic

from jobs.catalogue import Output, metric_topic
from jobs.flink import sink_sql
from pipelines.flink import rest
from pipelines.flink.application import compile_plan, define, execute_plan, flink_options, number_of, open_environment
from pipelines.flink.plan import flush_by_the_clock, name_operators
from pipelines.flink.script import filled, statements
from pipelines.settings import Settings
from pipelines.sql import fill
from pipelines.stack.layout import Layout
from pipelines.topics import admin
from schemas.generate.flink import source_sql
from schemas.topics import Topic, topics
from tests.bench import observe
from tests.bench.family.contract import ResultRow, Spec, finish
from tests.bench.offsets import log_ends
from tests.bench.results import metric_records

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

HERE = Path(__file__).parent

OUTPUT = Output(
    keys={"room_id": "string", "window_start": "integer"},
    values=[*(f"{topic}_count" for topic in topics()), "paid", "refunded", "users"],
    into={},
)
"""A row of the family; no room is an empty text, as a key of a Kafka table cannot be NULL. Times are ms."""

_MEASURED, _MONEY = ["event_id", "room_id", "user_id"], ["amount", "status"]
_RESULT_PARTITIONS = 2


@dataclass(frozen=True)
class Ran:
    """An application that has read everything. Times are seconds of the epoch."""

    began: float
    """When its first reader asked for its first records."""
    ended: float
    """When the last of its tasks was over."""


def new_group(name: str) -> str:
    """A consumer group that nobody has used."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def family_topics() -> list[Topic]:
    """Every topic as the family reads it: with no more fields than it needs, each copy found by `event_id`."""
    return [
        topic.model_copy(update={"count_once_by": "event_id", "measured": _MEASURED + (_MONEY if topic.name == "order" else [])})
        for topic in topics().values()
    ]


def source_statements(spec: Spec, settings: Settings, group: str) -> list[str]:
    """The product's source tables and views of the family's topics, read to the spec's offsets."""
    found = []
    for topic in family_topics():
        sql = source_sql(topic).replace("'scan.startup.mode'", f"{_bound(spec, topic)}\n  'scan.startup.mode'")
        found += filled(sql, settings, group)
    return found


def plain_tables(spec: Spec, group: str) -> list[str]:
    """`<topic>_plain` of every topic: the fields that the family needs by Flink's own JSON format, read to the spec's offsets."""
    return [
        f"""CREATE TEMPORARY TABLE `{topic.name}_plain` (
  `room_id` STRING,
  `user_id` STRING,
  `event_time` BIGINT,
  {"`status` STRING, `amount` BIGINT," if topic.name == "order" else ""}
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = '{topic.name}',
  'properties.bootstrap.servers' = '{spec.bootstrap}',
  'properties.group.id' = '{group}',
  'properties.fetch.min.bytes' = '262144',
  'properties.fetch.max.wait.ms' = '200',
  {_bound(spec, topic)}
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)"""
        for topic in topics().values()
    ]


def own_sql(file: str, **values: str) -> list[str]:
    """The statements of a file beside this one."""
    return statements(fill((HERE / file).read_text(encoding="utf-8"), **values))


@contextmanager
def result_topic(spec: Spec, settings: Settings) -> Iterator[tuple[str, str]]:
    """A sink's name and CREATE statement, as the jobs have them; its topic is new, and gone afterwards."""
    name = f"bench_family_{uuid.uuid4().hex[:8]}"
    topic = metric_topic(name)
    client = admin(settings)
    try:
        client.create_topics([NewTopic(name=topic, num_partitions=_RESULT_PARTITIONS, replication_factor=1)])
        yield name, fill(sink_sql(name, OUTPUT), kafka=spec.bootstrap)
        client.delete_topics([topic])
    finally:
        client.close()


def run(
    settings: Settings,
    definitions: Sequence[str],
    inserts: Sequence[str],
    name: str,
    group: str,
    *,
    changed: dict[str, str] | None = None,
    functions: dict[str, Any] | None = None,
) -> Ran:
    """Runs an application to its end, with the options that the product's have.

    Args:
        group: Kafka's consumer group of its sources; of no other application.
        changed: options that are other than the product's.
        functions: functions in Python by their names in SQL. With them Flink is given the SQL itself: it cannot compile a plan.
    """
    options = flink_options(settings, name) | {
        # The last checkpoint of what has ended: nothing is resumed from it, and waiting for it would be counted.
        "execution.checkpointing.checkpoints-after-tasks-finish": "false",
        **(changed or {}),
    }
    environment = open_environment(options)
    for named, function in (functions or {}).items():
        environment.create_temporary_function(named, function)
    define(environment, definitions)
    number = _submit(environment, inserts, as_sql=bool(functions))
    _await_end(settings, number)
    if restarts := rest.get(settings, f"/jobs/{number}/checkpoints")["counts"]["restored"]:
        raise RuntimeError(f"{name} restarted {restarts} times: {rest.last_failure(settings, number)}")
    began = _first_read(settings, group) or observe.running_since(settings, number)[0]
    ended = max(vertex["end-time"] for vertex in rest.get(settings, f"/jobs/{number}")["vertices"]) / 1_000
    return Ran(began, ended)


def finish_with_result(spec: Spec, settings: Settings, sink: str, ran: Ran) -> None:
    """Hands over the last row of each room and window; the end is when the last of all rows was written.

    A source is over when it has read to its end: an application that ended has read all.
    """
    rows, ended = _result(settings, metric_topic(sink))
    finish(spec, rows, began=ran.began, ended=ended, records=spec.records)


def _bound(spec: Spec, topic: Topic) -> str:
    """Options of a table that end it; a partition that the spec leaves out has no records."""
    ends = spec.topics.get(topic.name, {})
    offsets = ";".join(f"partition:{number},offset:{ends.get(number, 0)}" for number in range(topic.partitions))
    return f"'scan.bounded.mode' = 'specific-offsets',\n  'scan.bounded.specific-offsets' = '{offsets}',"


def _submit(environment: TableEnvironment, inserts: Sequence[str], as_sql: bool) -> str:
    """Starts the application; its id."""
    if as_sql:
        together = environment.create_statement_set()
        for statement in inserts:
            together.add_insert_sql(statement)
        return number_of(together.execute())
    plan = json.loads(compile_plan(environment, inserts))
    flush_by_the_clock(plan)
    name_operators(plan)
    return execute_plan(environment, plan)


def _first_read(settings: Settings, group: str) -> float | None:
    """When the first reader of a group knew where to begin, as the local TaskManager's log has it; None where there is no log.

    Flink itself only tells since when tasks run. They first look for partitions and make clients, a second in a cold JVM.
    """
    for log in sorted((Layout.of(settings).logs / "flink").glob("*taskexecutor*.log")):
        with log.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if f"groupId={group}]" in line and "Resetting offset for partition" in line:
                    return datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp()
    return None


def _await_end(settings: Settings, number: str) -> None:
    while (state := observe.state(settings, number)) not in rest.TERMINAL:
        time.sleep(0.5)
    if state != "FINISHED":
        raise RuntimeError(f"the application is {state.lower()}: {rest.last_failure(settings, number)}")


def _result(settings: Settings, topic: str) -> tuple[list[ResultRow], float]:
    """The last row of each room and window in the contract's form, and when the last of all was written."""
    with closing(admin(settings)) as client:
        ends = log_ends(client, {topic: _RESULT_PARTITIONS})
    last: dict[tuple[str, int], dict[str, Any]] = {}
    stamp = 0
    for _, written, value in metric_records(settings, dict.fromkeys(ends, 0), ends):
        row = orjson.loads(value)
        last[row["room_id"], row["window_start"]] = row
        stamp = max(stamp, written)
    return [_contract(row) for row in last.values()], stamp / 1_000


def _contract(row: dict[str, Any]) -> ResultRow:
    return ResultRow(
        room_id=row["room_id"] or None,
        window_start=row["window_start"],
        counts={topic: row[f"{topic}_count"] for topic in topics() if row[f"{topic}_count"]},
        paid=row["paid"],
        refunded=row["refunded"],
        users=row["users"],
    )
