"""Promise 1: every record of an event topic is in exactly one place, its event table or `dead_letter`.

The offsets that Kafka still holds are compared with the offsets that are stored, from the first that cannot have been
deleted there by its age. An offset that is nowhere is looked up in Kafka: records without a value and the marks that
transactions leave carry nothing that could be stored.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.errors import UserError
from pipelines.stack.health import away
from pipelines.verify.result import Check
from pipelines.verify.retention import records_whole_since
from schemas.storage import dead_letter_table, event_table
from schemas.topics import topics

if TYPE_CHECKING:
    from clickhouse_driver import Client
    from kafka import KafkaConsumer, TopicPartition

    from pipelines.settings import Settings

_EXAMPLES = 5
_READ_SECONDS = 10.0


def check_records(settings: Settings, client: Client, wait_seconds: float) -> list[Check]:
    """Checks every event topic up to its end as of now, having waited for storage to get there.

    Args:
        wait_seconds: how long storage may take to catch up; what it has not read by then counts as lost.
    """
    from kafka import KafkaConsumer, TopicPartition

    from pipelines.kafka import kafka_python

    consumer = KafkaConsumer(**kafka_python(settings), enable_auto_commit=False, group_id=None)
    try:
        partitions = {
            name: [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
            for name in topics()
        }
        if missing := [name for name, found in partitions.items() if not found]:
            raise UserError(f"Kafka at {settings.kafka_address} has no topic {', '.join(missing)}.", "Make it: livepulse migrate")
        everything = [partition for found in partitions.values() for partition in found]
        stored = _last_stored(client)  # before the ends, which move on
        ends = consumer.end_offsets(everything)
        if anew := {place.topic for place, last in stored.items() if last >= ends.get(place, 0)}:
            raise UserError(
                f"Kafka at {settings.kafka_address} has not reached offsets that are stored, in {', '.join(sorted(anew))}: made"
                " anew, it gives new records the offsets of others, and nothing can be told by them.",
                "Begin with another database: set LIVEPULSE_CLICKHOUSE_DATABASE, then livepulse migrate; and submit the jobs anew.",
            )
        begins = consumer.beginning_offsets(everything)
        since = records_whole_since(client)
        whole = begins if since is None else first_since(consumer, ends, since)
        deadline = time.monotonic() + wait_seconds
        checks = [_check_topic(settings, client, name, found, whole, ends, deadline) for name, found in partitions.items()]
        for check in checks:
            check.left_out = sum(whole[place] - begins[place] for place in partitions[check.subject])
        return checks
    finally:
        consumer.close()


def _last_stored(client: Client) -> dict[TopicPartition, int]:
    """The last offset of each partition that was stored in the last days."""
    from kafka import TopicPartition

    tables = [event_table(topic).name for topic in topics()] + [dead_letter_table().name]
    last = (
        "SELECT _topic, _partition, max(_offset) FROM {} WHERE received_at >= now64(3) - INTERVAL 3 DAY GROUP BY _topic, _partition"
    )
    rows = client.execute(" UNION ALL ".join(last.format(table) for table in tables))
    found: dict[TopicPartition, int] = {}
    for topic, number, offset in rows:
        place = TopicPartition(topic, number)
        found[place] = max(offset, found.get(place, 0))
    return found


def first_since(consumer: KafkaConsumer, ends: dict[TopicPartition, int], since: datetime) -> dict[TopicPartition, int]:
    """The offset of each partition's first record that is not older; what stands behind it was stored later, however old it is."""
    found = consumer.offsets_for_times(dict.fromkeys(ends, int(since.timestamp() * 1_000)))
    return {place: min(at.offset, end) if (at := found[place]) else end for place, end in ends.items()}


def _check_topic(
    settings: Settings,
    client: Client,
    topic: str,
    partitions: list[TopicPartition],
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    deadline: float,
) -> Check:
    started = time.monotonic()
    check = Check("records", topic)
    for partition in partitions:
        begin, end = begins[partition], ends[partition]
        stored = _Stored(client, topic, partition.partition, begin, end)
        while not (complete := stored.count() == end - begin) and time.monotonic() < deadline:
            time.sleep(0.5)
        missing = [] if complete else stored.missing()
        lost = _with_value(settings, partition, missing) if missing else []
        check.compared += end - begin
        check.lost += len(lost)
        twice = stored.twice()
        check.extra += len(twice)
        check.examples += [f"partition {partition.partition} offset {offset} is in Kafka only" for offset in lost[:_EXAMPLES]]
        check.examples += [
            f"partition {partition.partition} offset {offset} is an event and a dead letter" for offset in twice[:_EXAMPLES]
        ]
    check.seconds = time.monotonic() - started
    return check


class _Stored:
    """The offsets in [begin, end) of a partition that are stored: as a bitmap, where a set of a day's offsets would not fit."""

    def __init__(self, client: Client, topic: str, partition: int, begin: int, end: int) -> None:
        self._client = client
        self._where = {"topic": topic, "partition": partition, "begin": begin, "end": end}
        of_partition = "_partition = %(partition)s AND _offset >= %(begin)s AND _offset < %(end)s"
        self._events = f"SELECT _offset FROM {topic}_event WHERE {of_partition}"
        self._dead = f"SELECT _offset FROM dead_letter WHERE _topic = %(topic)s AND {of_partition}"

    def count(self) -> int:
        """How many there are."""
        [(count,)] = self._client.execute(f"SELECT groupBitmap(_offset) FROM ({self._events} UNION ALL {self._dead})", self._where)
        return int(count)

    def missing(self) -> list[int]:
        """Those in the range that are not stored."""
        return self._offsets(
            f"""WITH (SELECT groupBitmapState(_offset) FROM ({self._events} UNION ALL {self._dead})) AS stored
            SELECT number FROM numbers(%(begin)s, %(end)s - %(begin)s) WHERE NOT bitmapContains(stored, number)"""
        )

    def twice(self) -> list[int]:
        """Those that are stored as an event and as a dead letter."""
        return self._offsets(
            f"""WITH (SELECT groupBitmapState(_offset) FROM ({self._events})) AS stored
            SELECT DISTINCT _offset FROM ({self._dead}) WHERE bitmapContains(stored, _offset) ORDER BY _offset"""
        )

    def _offsets(self, sql: str) -> list[int]:
        return [offset for (offset,) in self._client.execute(sql, self._where)]


def _with_value(settings: Settings, partition: TopicPartition, offsets: Iterable[int]) -> list[int]:
    """Those of the offsets at which Kafka has a record with a value."""
    # Of the two clients the one that reads every compression that a producer may have chosen.
    from confluent_kafka import Consumer, KafkaError, KafkaException
    from confluent_kafka import TopicPartition as Start

    from pipelines.kafka import librdkafka

    wanted = set(offsets)
    last = max(wanted)
    consumer = Consumer(
        {
            **librdkafka(settings),
            "bootstrap.servers": settings.kafka_address,
            "group.id": "livepulse-verify",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",  # where Kafka has deleted the first of them meanwhile
        }
    )
    found = []
    try:
        consumer.assign([Start(partition.topic, partition.partition, min(wanted))])
        while (message := consumer.poll(_READ_SECONDS)) is not None:
            if error := message.error():
                if error.code() == KafkaError._PARTITION_EOF:
                    break
                raise KafkaException(error)
            offset = message.offset()
            assert offset is not None  # only one that was not read has none
            if offset in wanted and message.value():
                found.append(offset)
            if offset >= last:
                break
        else:
            raise away(settings, "kafka", f"no answer for {_READ_SECONDS:.0f} s")
    finally:
        consumer.close()
    return found
