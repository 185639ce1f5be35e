"""What livepulse cannot remove a person from, and for how long it keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jobs.catalogue import jobs, metric_topic
from pipelines.privacy.columns import is_person_column
from pipelines.topics import retention
from schemas.topics import topics

if TYPE_CHECKING:
    from pipelines.settings import Settings


@dataclass(frozen=True)
class Place:
    """Where a person still is."""

    where: str
    what: str
    until: datetime | None
    """When it is gone by itself, counted from now; None: never."""


def places(settings: Settings) -> list[Place]:
    """The topics with people in them, by what Kafka is told to keep, and what Flink remembers."""
    now = datetime.now(UTC)
    outputs = {
        metric_topic(name) for job in jobs().values() for name, o in job.outputs.items() if any(map(is_person_column, o.keys))
    }
    found = []
    for topic, kept in retention(settings, [*topics(), *sorted(outputs)]).items():
        what = "counters of single people" if topic in outputs else "the events, whole"
        found.append(Place(f"Kafka topic {topic}", what, now + kept if kept else None))
    for job in jobs().values():
        until = None if job.state == "forever" else now + timedelta(hours=settings.state_ttl_hours)
        found.append(Place(f"Flink job {job.name}", "what it remembers of users, in state, checkpoints and savepoints", until))
    return found


def again_after(found: list[Place]) -> datetime | None:
    """When Kafka has forgotten, so that nothing can bring the person back; None: never."""
    ends = [place.until for place in found if place.where.startswith("Kafka")]
    return None if None in ends else max(end for end in ends if end is not None)
