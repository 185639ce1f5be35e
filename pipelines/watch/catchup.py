"""Whether an application has read what its topics held when it was started."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.flink import rest
from pipelines.settings import Settings

Offsets = dict[tuple[str, int], int]

_NO_PROGRESS_SECONDS = 60


def ends(settings: Settings) -> Offsets:
    """The end of every partition of the event topics that holds records."""
    from kafka import KafkaConsumer, TopicPartition

    from pipelines.kafka import kafka_python
    from schemas.topics import topics

    consumer = KafkaConsumer(**kafka_python(settings), enable_auto_commit=False, group_id=None)
    try:
        partitions = [TopicPartition(name, number) for name in topics() for number in consumer.partitions_for_topic(name) or ()]
        begins = consumer.beginning_offsets(partitions)
        return {(p.topic, p.partition): end for p, end in consumer.end_offsets(partitions).items() if end > begins[p]}
    finally:
        consumer.close()


def wait_until_read(settings: Settings, application: str, until: Offsets, progress: Callable[[int, int], None]) -> None:
    """Returns when the application has read its topics up to these offsets, or reads no further.

    The last offsets may be marks of transactions, which are no records: nobody is ever seen to read those.
    `progress` is told how many records are left and how many that were at first.
    """
    first = fewest = None
    since = time.monotonic()
    while True:
        at = rest.read_to(settings, application)
        left = sum(max(0, end - at.get(partition, 0)) for partition, end in until.items())
        first = left if first is None else first
        progress(left, first)
        if fewest is None or left < fewest:
            fewest, since = left, time.monotonic()
        if left == 0 or time.monotonic() - since > _NO_PROGRESS_SECONDS:
            return
        time.sleep(0.5)
