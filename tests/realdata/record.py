"""The smallest thing that can be sent to Kafka: what the converters, the golden cases and the strategies make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.topics import topics


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record. `partition` is None where the producer's partitioner shall choose by `key`."""

    topic: str
    key: bytes
    timestamp_ms: int
    value: bytes
    partition: int | None = None


KEY_FIELD = {
    "comment": "room_id",
    "like": "room_id",
    "view": "room_id",
    "product": "room_id",
    "order": "user_id",
    "group_message": "group_id",
}
"""Which field keys which topic (DESIGN section 1): all copies of one fact then lie in one partition, in sequence."""


def key_field(topic: str) -> str:
    """The field that keys a topic: as written here, else (it was added later) as its file in schemas/topics says."""
    return KEY_FIELD[topic] if topic in KEY_FIELD else topics()[topic].key


def record(topic: str, event: Mapping[str, Any], timestamp_ms: int | None = None) -> Record:
    """The record of an event, stamped with `timestamp_ms` or else with its own time."""
    return Record(
        topic=topic,
        key=str(event[key_field(topic)]).encode(),
        timestamp_ms=event["event_time"] if timestamp_ms is None else timestamp_ms,
        value=orjson.dumps(event),
    )
