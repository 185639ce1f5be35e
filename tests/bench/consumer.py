"""The contender to be held against: one plain Python process that counts one metric family and nothing else.

Counts by kind, money paid and refunded, and exact distinct users, by room and 10 s: confluent-kafka and orjson, no framework,
no duplicates found, nothing kept for a restart. It reads every event topic from the beginning to the end that it has when
this starts, and says what it counted and how long that took, from the first record to the last, as JSON.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

BATCH = 10_000
WINDOW_MS = 10_000
FETCHING: dict[str, int] = {
    # Enough in the queue that the reader never waits for the broker.
    "fetch.min.bytes": 262_144,
    "fetch.wait.max.ms": 50,
    "max.partition.fetch.bytes": 4_194_304,
    "queued.max.messages.kbytes": 262_144,
    # A partition with 100,000 records in the queue is left alone for so long: by default a second, in which the rest is read.
    "fetch.queue.backoff.ms": 10,
}
"""Options of librdkafka for a reader that is as fast as it can be."""


class Row:
    """A room in 10 s."""

    __slots__ = ("counts", "paid", "refunded", "users")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.paid = 0
        self.refunded = 0
        self.users: set[str] = set()


@dataclass(frozen=True)
class Counted:
    """What came of it. Times are seconds of the epoch."""

    rows: dict[tuple[str | None, int], Row]
    """By room and number of the window."""
    records: Counter[str]
    """Read, by topic: also those that could not be counted."""
    began: float
    ended: float
    cpu_seconds: float


def reader(bootstrap: str, partitions: Iterable[tuple[str, int]]) -> Consumer:
    """A consumer at the beginning of these partitions."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-consumer",
            "enable.auto.commit": False,
            **FETCHING,
        }
    )
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in partitions])
    return consumer


def count(consumer: Consumer, left: int, *, once: bool = False) -> Counted:
    """Reads so many records and counts them; `once`: only the first of those with one `event_id` in one topic."""
    rows: dict[tuple[str | None, int], Row] = {}
    records: Counter[str] = Counter()
    known: defaultdict[str, set[str]] = defaultdict(set)
    loads = orjson.loads
    messages = consumer.consume(1, timeout=60)
    began, began_cpu = time.time(), time.process_time()
    while messages:
        for message in messages:
            if error := message.error():
                raise KafkaException(error)
            topic: Any = message.topic()
            records[topic] += 1
            try:
                event = loads(message.value() or b"")
                if once:
                    ids, event_id = known[topic], event["event_id"]
                    if event_id in ids:
                        continue
                    ids.add(event_id)
                user, key = event["user_id"], (event.get("room_id"), event["event_time"] // WINDOW_MS)
                row = rows.get(key)
                if row is None:
                    row = rows[key] = Row()
                if topic == "order":
                    if event["status"] == "paid":
                        row.paid += event["amount"]
                    elif event["status"] == "refunded":
                        row.refunded += event["amount"]
                row.users.add(user)
                row.counts[topic] = row.counts.get(topic, 0) + 1
            except (ValueError, LookupError, TypeError, AttributeError):
                continue  # broken on purpose; what was read but not counted shows
        left -= len(messages)
        # Never more than there is: it would wait for the rest.
        messages = consumer.consume(min(BATCH, left), timeout=60) if left else []
    return Counted(rows, records, began, time.time(), time.process_time() - began_cpu)


def main() -> None:
    from schemas.topics import topics

    partitions = [(topic.name, number) for topic in topics().values() for number in range(topic.partitions)]
    consumer = reader(sys.argv[1], partitions)
    left = sum(consumer.get_watermark_offsets(TopicPartition(*partition), timeout=10)[1] for partition in partitions)
    counted = count(consumer, left)
    consumer.close()

    by_topic: Counter[str] = Counter()
    for row in counted.rows.values():
        by_topic.update(row.counts)
    said = {
        "began": counted.began,
        "ended": counted.ended,
        "cpu_seconds": counted.cpu_seconds,
        "records": counted.records,
        "counted": by_topic,
        "rows": len(counted.rows),
        "distinct_users": sum(len(row.users) for row in counted.rows.values()),
        "paid": sum(row.paid for row in counted.rows.values()),
        "refunded": sum(row.refunded for row in counted.rows.values()),
    }
    sys.stdout.buffer.write(orjson.dumps(said))


if __name__ == "__main__":
    main()
