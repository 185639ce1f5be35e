"""What the jobs wrote to their metric topics, merged as ClickHouse merges it, in the judge's shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition

from jobs.catalogue import Output, jobs, metric_topic
from pipelines.settings import Settings
from tests.bench.offsets import Offsets
from tests.judge.tables import COUNTERS, KEYS, Key, Tables, without_empty

WITHOUT_TOPIC = "broadcast_sales"
"""A view over other tables: no job writes it."""


@dataclass(frozen=True)
class Written:
    """The outputs of one application."""

    records: int
    first: float
    last: float
    """When the first and the last record were written, in seconds of the epoch."""
    tables: Tables


def read(settings: Settings, begin: Offsets, end: Offsets) -> Written:
    """The metric topics between these offsets."""
    outputs = {metric_topic(name): output for job in jobs().values() for name, output in job.outputs.items()}
    merged: dict[str, dict[Key, dict[str, int]]] = {table: {} for table in KEYS}
    stamps: list[int] = []
    for topic, stamp, value in metric_records(settings, begin, end):
        stamps.append(stamp)
        for table, key, counters in _placed(outputs[topic], orjson.loads(value)):
            row = merged[table].setdefault(key, dict.fromkeys(COUNTERS[table], 0))
            for name, number in counters.items():
                known = row[name]
                if name.startswith("first_"):
                    row[name] = min(known or number, number)
                elif number > known:
                    row[name] = number
    if not stamps:
        raise RuntimeError("the jobs wrote nothing")
    tables = {table: without_empty(table, rows) for table, rows in merged.items()}
    return Written(len(stamps), min(stamps) / 1_000, max(stamps) / 1_000, tables)


def _placed(output: Output, row: dict[str, Any]) -> Iterator[tuple[str, Key, dict[str, int]]]:
    """The rows of tables that one row of a topic becomes. (In ClickHouse this is `into` in the job's metadata.)"""
    slots: list[int] | None = row.get("viewers_10s")
    for table in output.into:
        if table not in KEYS:
            continue
        if slots is not None and table.endswith("_10s"):
            for slot, viewers in enumerate(slots):
                start = row["window_start"] + 10 * slot
                yield _placed_row(table, row | {"window_start": start, "viewers": viewers, "viewer_slots": viewers})
        elif slots is not None:
            yield _placed_row(table, row | {"viewer_slots": sum(slots), "peak_concurrency": max(slots)})
        elif "window_seconds" not in row or table.endswith("_10s" if row["window_seconds"] == 10 else "_1m"):
            yield _placed_row(table, row)


def _placed_row(table: str, row: dict[str, Any]) -> tuple[str, Key, dict[str, int]]:
    key = tuple(row[column] for column in KEYS[table])
    return table, key, {name: _number(row[name]) for name in COUNTERS[table] if row.get(name) is not None}


def _number(value: int | str) -> int:
    """A counter, or a time as milliseconds."""
    return round(datetime.fromisoformat(value).timestamp() * 1_000) if isinstance(value, str) else value


def metric_records(settings: Settings, begin: Offsets, end: Offsets) -> Iterator[tuple[str, int, bytes]]:
    """Topic, when it was written (ms of the epoch) and value of every record between these offsets."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_address, "group.id": "bench-results", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, part, begin[topic, part]) for topic, part in end])
    left = sum(end.values()) - sum(begin.values())
    try:
        while left:
            messages = consumer.consume(min(left, 10_000), timeout=10)
            if not messages:
                raise RuntimeError(f"{left} records of the metric topics cannot be read")
            left -= len(messages)
            for message in messages:
                if error := message.error():
                    raise KafkaException(error)
                value, topic = message.value(), message.topic()
                if value is None or topic is None:
                    raise RuntimeError(f"a deletion in {topic}: counters only grow")
                yield topic, message.timestamp()[1], value
    finally:
        consumer.close()
