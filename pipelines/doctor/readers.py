"""Who reads the topics, how far behind, and whether it moves.

ClickHouse's readers, one for each topic and judged as one, and everybody else's are groups in Kafka: their lag is the end of
each partition less the offset that they have committed. Flink reads without being a member of a group and commits at
checkpoints only, so its lag is taken from its own figures.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import storage
from pipelines.clickhouse import connect
from pipelines.doctor.finding import Finding, Level, span
from pipelines.settings import Settings
from pipelines.topics import TopicSpec, admin, required_topics

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

LAG = 100_000
"""Records behind that need attention: the limit of the alert consumer_lag."""
WATCHED_SECONDS = 6.0
"""How long a reader must not move to count as stuck: clients commit every five seconds, ClickHouse at each flush."""

_LOOK_EVERY = 1.0
_TREND_SECONDS = 2.0
"""Time enough to see whether a reader that is far behind catches up."""

_START_ANEW = "livepulse migrate"  # it makes ClickHouse's queues anew; they go on where the group stopped
_TOO_SLOW = "livepulse board    (Pipeline health, busiest tasks; docs/runbook.md#consumer-lag)"

Part = tuple[str, int]
"""Topic and partition."""
Offsets = Mapping[Part, int]


@dataclass(frozen=True)
class Look:
    """The offsets at one moment."""

    begins: Offsets
    ends: Offsets
    committed: Mapping[str, Offsets]
    """Group -> the next offset that it will read, where it has committed one."""


@dataclass(frozen=True)
class Reading:
    """What a group had still to read of one topic at two moments."""

    topic: str
    lag_before: int
    lag: int
    stuck: int
    """Partitions with records that were there at both moments, and in which it did not move."""


def look(settings: Settings) -> list[Finding]:
    """The topics, and every group that reads them."""
    required = required_topics()
    with closing(admin(settings)) as client:
        partitions = {found["name"]: len(found["partitions"]) for found in client.describe_topics()}
        ours = [spec for spec in required if spec.name in partitions]
        found = [judge_topics(required, partitions)]
        if not ours:
            return found
        parts = [(spec.name, number) for spec in ours for number in range(partitions[spec.name])]
        return found + _groups(settings, client, parts)


def judge_topics(required: Iterable[TopicSpec], partitions: Mapping[str, int]) -> Finding:
    """Topics that are missing are a problem, fewer partitions than declared a warning.

    Args:
        partitions: topic -> how many it has.
    """
    specs = list(required)
    if missing := [spec.name for spec in specs if spec.name not in partitions]:
        return Finding("topics", Level.PROBLEM, f"{len(missing)} are missing: {', '.join(missing)}", "livepulse migrate")
    if few := [f"{s.name} ({partitions[s.name]} of {s.partitions})" for s in specs if partitions[s.name] < s.partitions]:
        help_ = "kafka-topics.sh --alter --topic … --partitions …    (migrate leaves existing topics as they are)"
        return Finding("topics", Level.WARNING, f"fewer partitions than declared: {', '.join(few)}", help_)
    return Finding("topics", Level.OK, f"all {len(specs)} are there")


def _groups(settings: Settings, client: KafkaAdminClient, parts: list[Part]) -> list[Finding]:
    own, ours = storage.readers(settings), {storage.reader(settings, topic): topic for topic, _ in parts}
    # Flink's groups have no members; those of others without any have been stopped, which is not to be stuck.
    active = {group["group_id"] for group in client.list_groups() if group["group_state"] not in ("Empty", "Dead")}
    unread = sorted(topic for name, topic in ours.items() if name not in active)
    groups = {own: list(ours)} | {name: [name] for name in sorted(active - ours.keys())}
    first, began = _look(client, groups, parts), time.monotonic()
    while True:
        last, watched = _look(client, groups, parts), time.monotonic() - began
        found = {name: readings(name, first, last, reads_all=name == own) for name in groups}
        every = [reading for of_group in found.values() for reading in of_group]
        stuck = any(reading.stuck for reading in every)
        far = any(reading.lag > LAG for reading in every)
        if watched >= WATCHED_SECONDS or not (stuck or (far and watched < _TREND_SECONDS)):
            break
        time.sleep(_LOOK_EVERY)
    return [judge_group(name, unread if name == own else None, found[name], watched) for name in groups if found[name]]


def _look(client: KafkaAdminClient, groups: Mapping[str, list[str]], parts: list[Part]) -> Look:
    """What readers have committed; each is one of Kafka's groups, or several."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    committed = {
        name: {
            (part.topic, part.partition): one.offset
            for offsets in client.list_group_offsets(members).values()
            for part, one in offsets.items()
            if one.offset >= 0
        }
        for name, members in groups.items()
    }
    asked = [TopicPartition(*part) for part in parts]
    # After what was committed: so nobody seems to be beyond the end.
    begins, ends = (
        {
            (part.topic, part.partition): one.offset
            for part, one in client.list_partition_offsets(dict.fromkeys(asked, spec)).items()
        }
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    return Look(begins, ends, committed)


def readings(group: str, before: Look, after: Look, reads_all: bool) -> list[Reading]:
    """What a group has to read of each topic at two looks.

    Args:
        reads_all: whether it should read every partition; else only those count in which it has committed an offset.
    """
    found: dict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    for part in after.ends:
        then, now = before.committed.get(group, {}).get(part), after.committed.get(group, {}).get(part)
        if now is None and not reads_all:
            continue
        lag_before, lag = (
            max(0, look.ends[part] - max(look.begins[part], offset or 0)) for look, offset in ((before, then), (after, now))
        )
        found[part[0]].append((lag_before, lag, lag_before > 0 and lag > 0 and now == then))
    return [
        Reading(topic, sum(was for was, _, _ in of_topic), sum(now for _, now, _ in of_topic), sum(stuck for *_, stuck in of_topic))
        for topic, of_topic in found.items()
    ]


def judge_group(group: str, unread: list[str] | None, reads: Iterable[Reading], watched_seconds: float) -> Finding:
    """A reader that does not move is stuck; one that is far behind is a warning, unless it catches up.

    Args:
        unread: the topics that ClickHouse should read and does not; None when the reader is somebody else, whose standstill is a
            warning and not a problem.
    """
    check = f"reader {group}"
    behind = list(reads)
    lag, before = sum(reading.lag for reading in behind), sum(reading.lag_before for reading in behind)
    if unread:
        seen = f"nobody reads {', '.join(unread)}: no members in the groups {group}-…, and {lag:,} records wait"
        return Finding(check, Level.PROBLEM, seen, f"{_START_ANEW}    why: livepulse logs clickhouse")
    if stuck := [reading for reading in behind if reading.stuck]:
        which = ", ".join(f"{reading.topic} ({reading.lag:,} records)" for reading in stuck)
        seen = f"stuck: did not move within {span(watched_seconds)} in {which}"
        if unread is not None:
            return Finding(check, Level.PROBLEM, seen, f"{_START_ANEW}    why: livepulse logs clickhouse")
        return Finding(check, Level.WARNING, seen, f"kafka-consumer-groups.sh --describe --group {group}    (no part of livepulse)")
    if lag <= LAG:
        return Finding(check, Level.OK, f"{lag:,} records behind")
    if lag < before and watched_seconds > 0:
        to_go = lag / ((before - lag) / watched_seconds)
        return Finding(check, Level.OK, f"{lag:,} records behind, catching up: about {span(to_go)} to go")
    seen = f"{lag:,} records behind, and not catching up ({before:,} {span(watched_seconds)} before)"
    return Finding(check, Level.WARNING, seen, _TOO_SLOW)


def look_at_flink(settings: Settings) -> list[Finding]:
    """Records that Flink has not read yet, by topic, from its figures of the last minute."""
    with connect(settings) as client:
        rows = client.execute(
            """SELECT topic, sum(earlier), sum(latest) FROM (
                SELECT extract(operator, '([a-z_]+)_record$') AS topic,
                    argMin(flink_metric.value, inserted_at) AS earlier, argMax(flink_metric.value, inserted_at) AS latest
                FROM flink_metric
                WHERE metric = 'pendingRecords' AND inserted_at >= now() - INTERVAL 1 MINUTE
                GROUP BY job, topic, operator, subtask
            ) GROUP BY topic ORDER BY topic"""
        )
    return [judge_flink({topic: (int(earlier), int(latest)) for topic, earlier, latest in rows})]


def judge_flink(pending: Mapping[str, tuple[int, int]]) -> Finding:
    """A topic that is far behind is a warning, unless it catches up.

    Args:
        pending: topic -> records not read at the beginning and at the end of the last minute.
    """
    check = "lag of flink"
    if not pending:
        return Finding(check, Level.UNKNOWN, "Flink reported no figures in the last minute", "livepulse jobs status")
    total = sum(now for _, now in pending.values())
    slow = {topic: (before, now) for topic, (before, now) in pending.items() if now > LAG}
    if not slow:
        return Finding(check, Level.OK, f"{total:,} records behind in {len(pending)} topics")
    said = ", ".join(f"{topic} {now:,} ({before:,} a minute before)" for topic, (before, now) in slow.items())
    if all(now < before for before, now in slow.values()):
        return Finding(check, Level.OK, f"records behind: {said}: catching up")
    return Finding(check, Level.WARNING, f"records behind: {said}", _TOO_SLOW)
