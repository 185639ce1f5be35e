"""ClickHouse's side of the flow: its readers' errors, what it counts as errors itself, mutations, parts, disks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clickhouse_driver import Client

from jobs.catalogue import jobs
from pipelines.clickhouse import connect, in_one_line
from pipelines.doctor.disks import judge_disk
from pipelines.doctor.finding import Finding, Level, one_line, span
from pipelines.settings import Settings
from schemas.topics import topics

RECENT_SECONDS = 120
"""Errors of Kafka's readers that are older are over: a broker that restarts leaves some."""
SILENT_SECONDS = 60
"""A reader that has not asked Kafka for so long does not read."""
ERRORS_SECONDS = 600

SERIOUS: Mapping[str, str] = {
    "NOT_ENOUGH_SPACE": "df -h    then free space, or keep events for fewer days: LIVEPULSE_EVENT_TTL_DAYS=… livepulse migrate",
    "TOO_MANY_PARTS": "wait for merges; fewer, larger inserts: a greater LIVEPULSE_EVENT_FLUSH_MS, then livepulse migrate",
    "CHECKSUM_DOESNT_MATCH": "livepulse verify    (a disk that loses data)",
    "CORRUPTED_DATA": "livepulse verify    (a disk that loses data)",
    "CANNOT_WRITE_TO_FILE_DESCRIPTOR": "df -h    and: livepulse logs clickhouse",
    "CANNOT_ALLOCATE_MEMORY": "free -h    and: livepulse logs clickhouse",
    "MEMORY_LIMIT_EXCEEDED": "livepulse logs clickhouse    (a query that wants too much, or too small a machine)",
}
"""ClickHouse's errors that are the server's own trouble and no user's mistake -> what helps."""


@dataclass(frozen=True)
class Queue:
    """A reader of Kafka as system.kafka_consumers shows it."""

    table: str
    polled_seconds_ago: float
    partitions: int
    error_seconds_ago: float | None
    error: str


def look(settings: Settings) -> list[Finding]:
    """What system tables say of our database and its server."""
    with connect(settings) as client:
        return [
            judge_queues([*_queue_names()], _queues(client)),
            *judge_errors(_errors(client)),
            judge_mutations(
                client.execute(
                    "SELECT table, command, latest_fail_reason, dateDiff('second', create_time, now()) FROM system.mutations"
                    " WHERE database = currentDatabase() AND NOT is_done"
                )
            ),
            _parts(client),
            *_disks(client),
        ]


def _queue_names() -> Iterable[str]:
    yield from (f"{topic}_queue" for topic in topics())
    yield from (f"{output}_queue" for job in jobs().values() for output in job.outputs)


def _queues(client: Client) -> list[Queue]:
    rows = client.execute(
        """SELECT table, dateDiff('second', last_poll_time, now()), length(assignments.topic),
            arrayMap(at -> dateDiff('second', at, now()), exceptions.time), exceptions.text
        FROM system.kafka_consumers WHERE database = currentDatabase()"""
    )
    found = []
    for table, polled, partitions, ages, texts in rows:
        age, text = min(zip(ages, texts, strict=True), default=(None, ""))
        found.append(Queue(table, polled, partitions, age, text))
    return found


def judge_queues(expected: Sequence[str], queues: Collection[Queue]) -> Finding:
    """A queue without a reader that asks Kafka is a problem; a recent error of one is a warning."""
    check, help_ = "clickhouse's readers", "livepulse migrate    (makes them anew)    why: livepulse logs clickhouse"
    polled = {queue.table: queue.polled_seconds_ago for queue in sorted(queues, key=lambda queue: -queue.polled_seconds_ago)}
    if silent := [name for name in expected if polled.get(name, SILENT_SECONDS + 1) > SILENT_SECONDS]:
        seen = f"{len(silent)} of {len(expected)} queues are not read: {', '.join(silent)}"
        return Finding(check, Level.PROBLEM, seen, help_)
    recent = [(q.error_seconds_ago, q) for q in queues if q.error_seconds_ago is not None and q.error_seconds_ago <= RECENT_SECONDS]
    if recent:
        age, newest = min(recent, key=lambda pair: pair[0])
        seen = f"{len({q.table for _, q in recent})} had errors; {newest.table} {span(age)} ago: {_said(newest.error)}"
        return Finding(check, Level.WARNING, seen, "livepulse logs clickhouse    and: livepulse status kafka")
    unassigned = sorted({queue.table for queue in queues} - {queue.table for queue in queues if queue.partitions})
    if unassigned:
        seen = f"{len(unassigned)} wait for partitions: {', '.join(unassigned)}"
        return Finding(
            check, Level.WARNING, seen, "again in ten seconds: livepulse doctor    (Kafka hands them out after a restart)"
        )
    return Finding(check, Level.OK, f"all {len(expected)} queues are read, no error in {span(RECENT_SECONDS)}")


def _errors(client: Client) -> list[tuple[str, int, int, str]]:
    rows: list[tuple[str, int, int, str]] = client.execute(
        """SELECT name, value, dateDiff('second', last_error_time, now()), last_error_message FROM system.errors
        WHERE name IN %(names)s AND last_error_time >= now() - toIntervalSecond(%(seconds)s) ORDER BY last_error_time DESC""",
        {"names": tuple(SERIOUS), "seconds": ERRORS_SECONDS},
    )
    return rows


def judge_errors(errors: Iterable[tuple[str, int, int, str]]) -> list[Finding]:
    """A server that runs out of something is a problem; too little memory for one query is a warning.

    Args:
        errors: name, how often since the server started, seconds since the last, its message.
    """
    found = []
    for name, count, age, message in errors:
        level = Level.WARNING if name == "MEMORY_LIMIT_EXCEEDED" else Level.PROBLEM
        seen = f"{name} {span(age)} ago, {count:,} times since it started: {_said(message)}"
        found.append(Finding("clickhouse's errors", level, seen, SERIOUS[name]))
    return found or [Finding("clickhouse's errors", Level.OK, f"none of its own in {span(ERRORS_SECONDS)}")]


def judge_mutations(pending: Iterable[tuple[str, str, str, int]]) -> Finding:
    """A mutation that fails is a problem, one that takes over ten minutes a warning.

    Args:
        pending: table, command, why it failed last (or ''), its age in seconds, of those that are not done.
    """
    check, rows = "mutations", list(pending)
    if failed := [row for row in rows if row[2]]:
        table, command, reason, age = failed[0]
        seen = f"{len(failed)} fail; {table}, {span(age)} ago: {_said(command)}: {_said(reason)}"
        return Finding(check, Level.PROBLEM, seen, f"KILL MUTATION WHERE table = '{table}'    why: livepulse logs clickhouse")
    if slow := [row for row in rows if row[3] > ERRORS_SECONDS]:
        table, command, _, age = slow[0]
        seen = f"{len(slow)} take long; {table}, since {span(age)}: {_said(command)}"
        return Finding(check, Level.WARNING, seen, "SELECT * FROM system.mutations WHERE NOT is_done")
    return Finding(check, Level.OK, f"none fails, {len(rows)} at work")


def _parts(client: Client) -> Finding:
    [(limit,)] = client.execute("SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert'")
    rows = client.execute(
        """SELECT table, max(parts) FROM (
            SELECT table, partition_id, count() AS parts FROM system.parts
            WHERE active AND database = currentDatabase() GROUP BY table, partition_id
        ) GROUP BY table ORDER BY max(parts) DESC LIMIT 1"""
    )
    table, parts = rows[0] if rows else ("", 0)
    return judge_parts(table, parts, limit)


def judge_parts(table: str, parts: int, limit: int) -> Finding:
    """From half of the parts at which ClickHouse slows inserts down it is a warning, from there on a problem.

    Args:
        table: the one with most parts in a partition.
        limit: parts_to_delay_insert.
    """
    seen = f"at most {parts:,} in a partition ({table}); inserts are slowed down from {limit:,} on"
    help_ = SERIOUS["TOO_MANY_PARTS"]
    if parts >= limit:
        return Finding("parts", Level.PROBLEM, seen, help_)
    if parts * 2 >= limit:
        return Finding("parts", Level.WARNING, seen, help_)
    return Finding("parts", Level.OK, seen)


def _disks(client: Client) -> list[Finding]:
    rows = client.execute("SELECT name, path, free_space, total_space FROM system.disks ORDER BY name")
    help_ = "free space there, or keep events for fewer days: LIVEPULSE_EVENT_TTL_DAYS=… livepulse migrate"
    return [judge_disk(f"disk {name} of clickhouse", path, free, total, help_) for name, path, free, total in rows]


def _said(text: str) -> str:
    return one_line(in_one_line(text))
