"""The contender to be held against: one plain Python process that counts one metric family and nothing else.

Counts by kind, money paid and refunded, and exact distinct users, by room and 10 s: confluent-kafka and orjson, no framework,
no duplicates found, nothing kept for a restart. It reads every event topic from the beginning to the end that it has when
this starts, and says what it counted and how long that took, from the first record to the last, as JSON.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from schemas.topics import topics

BATCH = 10_000


class Row:
    """A room in 10 s."""

    __slots__ = ("counts", "paid", "refunded", "users")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.paid = 0
        self.refunded = 0
        self.users: set[str] = set()


def main() -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": sys.argv[1],
            "group.id": "bench-consumer",
            "enable.auto.commit": False,
            # Enough in the queue that the reader never waits for the broker.
            "fetch.min.bytes": 262_144,
            "fetch.wait.max.ms": 50,
            "max.partition.fetch.bytes": 4_194_304,
            "queued.max.messages.kbytes": 262_144,
        }
    )
    parts = [TopicPartition(t.name, number, OFFSET_BEGINNING) for t in topics().values() for number in range(t.partitions)]
    left = sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
    consumer.assign(parts)

    rows: dict[tuple[str | None, int], Row] = {}
    records: Counter[str] = Counter()
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
                user, key = event["user_id"], (event.get("room_id"), event["event_time"] // 10_000)
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
    ended, ended_cpu = time.time(), time.process_time()
    consumer.close()

    counted: Counter[str] = Counter()
    for row in rows.values():
        counted.update(row.counts)
    said = {
        "began": began,
        "ended": ended,
        "cpu_seconds": ended_cpu - began_cpu,
        "records": records,
        "counted": counted,
        "rows": len(rows),
        "distinct_users": sum(len(row.users) for row in rows.values()),
        "paid": sum(row.paid for row in rows.values()),
        "refunded": sum(row.refunded for row in rows.values()),
    }
    sys.stdout.buffer.write(orjson.dumps(said))


if __name__ == "__main__":
    main()
