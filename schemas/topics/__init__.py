"""The event topics, one YAML file each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from schemas.events import EVENTS


class Topic(BaseModel):
    """What is known of a topic beside its event's model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    owner: str = Field(description="Team that answers for the topic.")
    key: str = Field(description="Field whose value keys the records; copies of a record must share it.")
    partitions: int = Field(ge=1)
    retention_hours: int = Field(ge=1)
    producers: list[str]
    consumers: list[str]
    measured: list[str] = Field(
        description="Fields that jobs may read, beside event_time; the others are checked and then left behind."
    )
    count_once_by: str | None = Field(
        default=None,
        description="SQL expressions, valid in Flink and ClickHouse, of which equal values are counted once; "
        "absent where every counter of the topic is harmless to duplicates.",
    )


@cache
def topics() -> dict[str, Topic]:
    """All topics by name.

    Raises:
        ValueError: a file names no event, an event has no file, or a key is no field of its event.
    """
    found = {
        path.stem: Topic(name=path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(Path(__file__).parent.glob("*.yaml"))
    }
    if found.keys() != EVENTS.keys():
        raise ValueError(f"topics and events differ: {sorted(found.keys() ^ EVENTS.keys())}")
    for topic in found.values():
        if topic.key not in EVENTS[topic.name].model_fields:
            raise ValueError(f"schemas/topics/{topic.name}.yaml: key {topic.key!r} is no field of the event")
        if unknown := set(topic.measured) - EVENTS[topic.name].model_fields.keys():
            raise ValueError(f"schemas/topics/{topic.name}.yaml: measured {sorted(unknown)} are no fields of the event")
    return found
