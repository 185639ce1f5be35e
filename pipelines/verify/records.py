"""Promise 1: every record of an event topic is in exactly one place, its event table or `dead_letter`.

The offsets that Kafka still holds are compared with the offsets that are stored. An offset that is nowhere is looked up
in Kafka: records without a value and the marks that transactions leave carry nothing that could be stored.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipelines.stack.health import away
from pipelines.verify.result import Check
from schemas.topics import topics

if TYPE_CHECKING:
    from clickhouse_driver import Client
    from kafka import TopicPartition

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
        everything = [partition for found in partitions.values() for partition in found]
        ends = consumer.end_offsets(everything)
        begins = consumer.beginning_offsets(everything)
        deadline = time.monotonic() + wait_seconds
        return [_check_topic(settings, client, name, found, begins, ends, deadline) for name, found in partitions.items()]
    finally:
        consumer.close()


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
        missing = _missing(client, topic, partition.partition, begin, end)
        while missing and time.monotonic() < deadline:
            time.sleep(0.5)
            missing = _missing(client, topic, partition.partition, begin, end)
        lost = _with_value(settings, partition, missing) if missing else []
        check.compared += end - begin
        check.lost += len(lost)
        twice = _in_both(client, topic, partition.partition)
        check.extra += len(twice)
        check.examples += [f"partition {partition.partition} offset {offset} is in Kafka only" for offset in lost[:_EXAMPLES]]
        check.examples += [
            f"partition {partition.partition} offset {offset} is an event and a dead letter" for offset in twice[:_EXAMPLES]
        ]
    check.seconds = time.monotonic() - started
    return check


def _missing(client: Client, topic: str, partition: int, begin: int, end: int) -> list[int]:
    """Offsets in [begin, end) that are stored nowhere."""
    where = {"partition": partition, "topic": topic, "begin": begin, "end": end}
    stored = f"""
        SELECT _offset FROM {topic}_event WHERE _partition = %(partition)s AND _offset >= %(begin)s AND _offset < %(end)s
        UNION ALL SELECT _offset FROM dead_letter
        WHERE _topic = %(topic)s AND _partition = %(partition)s AND _offset >= %(begin)s AND _offset < %(end)s"""
    [(count,)] = client.execute(f"SELECT uniqExact(_offset) FROM ({stored})", where)
    if count == end - begin:
        return []
    rows = client.execute(
        f"SELECT number FROM numbers(%(begin)s, %(end)s - %(begin)s) WHERE number NOT IN (SELECT _offset FROM ({stored}))", where
    )
    return [offset for (offset,) in rows]


def _in_both(client: Client, topic: str, partition: int) -> list[int]:
    """Offsets that are stored as an event and as a dead letter."""
    rows = client.execute(
        f"""SELECT DISTINCT _offset FROM dead_letter WHERE _topic = %(topic)s AND _partition = %(partition)s
        AND _offset IN (SELECT _offset FROM {topic}_event WHERE _partition = %(partition)s) ORDER BY _offset""",
        {"partition": partition, "topic": topic},
    )
    return [offset for (offset,) in rows]


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
