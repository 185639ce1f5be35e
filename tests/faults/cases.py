"""Every case: what breaks, or what is strange about the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from pipelines.recording import Record
from pipelines.storage import reader, tables
from pipelines.topics import admin, required_topics
from tests.e2e.pipeline import query
from tests.faults.stack import Stack, pause

Fault = Callable[[Stack, Random], None]
Strange = Callable[[Iterator[Record], Random], Iterator[Record]]


def _as_it_is(records: Iterator[Record], random: Random) -> Iterator[Record]:
    return records


@dataclass(frozen=True)
class Case:
    """A case with a `fault` is one of processes: events arrive in real time while it happens. One without is one of input."""

    name: str
    what: str
    fault: Fault | None = None
    streams: tuple[Mapping[str, Any], ...] = ()
    """Settings of the simulations that make the input of a case without a fault."""
    strange: Strange = field(default=_as_it_is)
    quick: bool = False
    """Whether `make test` runs it too."""


# -- Faults of processes -------------------------------------------------------------------------------------------------


def _kill(*processes: str) -> Fault:
    return lambda stack, random: stack.kill(*processes)


def _clickhouse_away(stack: Stack, random: Random) -> None:
    stack.stop("clickhouse")
    pause(70)
    stack.start("clickhouse")


def _commits_lost(stack: Stack, random: Random) -> None:
    """What was stored is read and stored again: as after an insert whose answer, or whose commit, was lost."""
    from kafka import TopicPartition

    stack.stop("clickhouse")
    pause(7)  # until the broker takes its consumers for gone
    client = admin(stack.settings)
    try:
        moved = False
        for topic in required_topics():
            group = reader(stack.settings, topic.name)
            back = {
                TopicPartition(partition.topic, partition.partition): max(0, found.offset - random.randint(1, 3_000))
                for partition, found in client.list_group_offsets([group])[group].items()
                if found.offset > 0
            }
            moved |= bool(back)
            if back:
                client.reset_group_offsets(group, back)  # it empties what it is given
        assert moved, "no committed offsets found"
    finally:
        client.close()
    stack.start("clickhouse")


def _checkpoints_fail(stack: Stack, random: Random) -> None:
    """Nothing can be written where checkpoints go; then a TaskManager dies, which must come back from the last good one."""
    folder = stack.checkpoint_folder()
    aside = folder.with_name("checkpoints-aside")
    stack.await_checkpoint()
    folder.rename(aside)
    folder.write_text("a file where a folder should be: every checkpoint fails")
    try:
        pause(2.5 * stack.settings.checkpoint_seconds)
    finally:
        folder.unlink()
        aside.rename(folder)
    stack.kill("taskmanager")


def _clickhouse_disk_full(stack: Stack, random: Random) -> None:
    """As far as it can be made here: ClickHouse is told that more must stay free than the disk has."""
    names = [table.name for table in tables() if table.name != "flink_metric"]
    for name in names:
        query(stack.settings, f"ALTER TABLE {name} MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000000")
    pause(15)
    for name in names:
        query(stack.settings, f"ALTER TABLE {name} RESET SETTING min_free_disk_bytes_to_perform_insert")


def _partition_added(stack: Stack, random: Random) -> None:
    client = admin(stack.settings)
    try:
        for topic in ("comment", "order"):
            [described] = client.describe_topics([topic])
            client.create_partitions({topic: len(described["partitions"]) + 1})
    finally:
        client.close()
    pause(15)  # producers and readers find it within ten


def _rescaled(stack: Stack, random: Random) -> None:
    for parallelism in ("1", "2"):
        stack.livepulse("jobs", "stop")
        stack.livepulse("jobs", "resume", LIVEPULSE_PARALLELISM=parallelism)


def _everything_killed(stack: Stack, random: Random) -> None:
    stack.kill_everything()
    pause(2)
    stack.livepulse("up")


def _each_in_turn(stack: Stack, random: Random) -> None:
    """None waits until the one before has recovered."""
    for process, seconds in (("clickhouse", 3), ("kafka", 5), ("taskmanager", 10), ("jobmanager", 0)):
        stack.kill(process)
        pause(seconds)


def _mixed(stack: Stack, random: Random) -> None:
    for _ in range(6):
        stack.kill(*random.sample(("taskmanager", "jobmanager", "zookeeper", "kafka", "clickhouse"), random.randint(1, 2)))
        pause(random.uniform(3, 25))


# -- Strange input -------------------------------------------------------------------------------------------------------


def _with_largest(records: Iterator[Record], random: Random) -> Iterator[Record]:
    """Now and then a record about as large as the broker takes: no JSON, or JSON with a text of that length."""
    for number, record in enumerate(records):
        yield record
        if number % 1_000 == 0:
            text = random.choice("x长") * (1_000_000 if random.random() < 0.5 else 300_000)
            value = text.encode() if random.random() < 0.5 else _changed(record.value, text=text)
            yield record._replace(topic="comment", value=value[:1_048_000])


def _nobody_leaves(records: Iterator[Record], random: Random) -> Iterator[Record]:
    return (record for record in records if b'"action":"leave"' not in record.value)


def _clock_stepped(records: Iterator[Record], random: Random) -> Iterator[Record]:
    """The producers' clock jumps ahead, then back behind where it was."""
    for number, record in enumerate(records):
        step = (0, 240_000, -600_000)[number // 5_000 % 3]
        try:
            event = orjson.loads(record.value)
            yield record._replace(value=_changed(record.value, event_time=event["event_time"] + step))
        except (orjson.JSONDecodeError, TypeError, KeyError):
            yield record


def _changed(value: bytes, **fields: Any) -> bytes:
    try:
        return orjson.dumps(orjson.loads(value) | fields)
    except (orjson.JSONDecodeError, TypeError):
        return value


_STREAM = {"events": 15_000, "rate": 1_000, "rooms": 4}

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("taskmanager_killed", "The TaskManager is killed in the middle of a window", _kill("taskmanager")),
        Case("jobmanager_killed", "The JobManager is killed", _kill("jobmanager"), quick=True),
        Case("flink_killed", "JobManager and TaskManager are killed at once", _kill("jobmanager", "taskmanager")),
        Case("zookeeper_killed", "ZooKeeper, which Flink's JobManager recovers from, is killed", _kill("zookeeper")),
        Case("broker_killed", "The Kafka broker is killed", _kill("kafka")),
        Case("clickhouse_killed", "ClickHouse is killed", _kill("clickhouse")),
        Case("clickhouse_away", "ClickHouse is away for 70 s", _clickhouse_away),
        Case("commits_lost", "ClickHouse's positions in Kafka are set back: inserts whose answer was lost", _commits_lost),
        Case("checkpoints_fail", "Checkpoints cannot be written, then the TaskManager is killed", _checkpoints_fail),
        Case("clickhouse_disk_full", "ClickHouse refuses every insert for want of space", _clickhouse_disk_full),
        Case("partition_added", "Two topics get another partition", _partition_added),
        Case("rescaled", "Stopped with a savepoint and resumed with 1 task each, then with 2", _rescaled),
        Case("everything_killed", "Every process is killed, and the stack started again", _everything_killed),
        Case("each_in_turn", "ClickHouse, broker, TaskManager and JobManager are killed within 20 s", _each_in_turn),
        Case("mixed", "Six times one or two processes, at random", _mixed),
        Case("one_partition", "One room: all partitions but one of a topic idle", streams=({**_STREAM, "rooms": 1},)),
        Case(
            "hot_room",
            "One room with 90 % of the traffic",
            streams=({**_STREAM, "events": 13_500, "rate": 900, "rooms": 1}, {**_STREAM, "events": 1_500, "rate": 100}),
        ),
        Case("duplicates", "10 % are sent again", streams=({**_STREAM, "duplicates": 0.1},)),
        Case(
            "disorder",
            "30 % out of order, 10 % late, 5 % malformed or from the future",
            streams=({**_STREAM, "disorder": 0.3, "late": 0.1, "malformed": 0.05},),
        ),
        Case(
            "malformed_burst",
            "Half of it malformed, with records as large as the broker takes",
            streams=({**_STREAM, "malformed": 0.5},),
            strange=_with_largest,
        ),
        Case("nobody_leaves", "No client ever says that it leaves", streams=(_STREAM,), strange=_nobody_leaves),
        Case(
            "late_refunds",
            "Refunds hours after the order's window",
            streams=({**_STREAM, "events": None, "duration_seconds": 20, "ago_seconds": 10_000},),
        ),
        Case("clock_stepped", "Producers' clocks jump 4 minutes ahead, then 10 back", streams=(_STREAM,), strange=_clock_stepped),
    )
}
