"""How far topics go, and how far a consumer group has read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import CoordinatorNotAvailableError

from jobs.catalogue import jobs, metric_topic
from pipelines.settings import Settings
from pipelines.topics import admin
from schemas.topics import topics

Offsets = dict[tuple[str, int], int]
"""(topic, partition) -> the next offset."""

METRIC_TOPICS = tuple(metric_topic(output) for job in jobs().values() for output in job.outputs)


class Log:
    """Asks the broker. (With kafka-python: librdkafka's admin client ended a benchmark by a segmentation fault, twice.)"""

    def __init__(self, settings: Settings) -> None:
        self._admin = admin(settings)
        names = [*topics(), *METRIC_TOPICS]
        self._partitions = {
            found["name"]: len(found["partitions"]) for found in self._admin.describe_topics(names)
        }  # asked once: nobody makes topics meanwhile

    def event_ends(self) -> Offsets:
        """The ends of the event topics."""
        return self._ends(topics())

    def metric_ends(self) -> Offsets:
        """The ends of the metric topics."""
        return self._ends(METRIC_TOPICS)

    def read_by(self, group: str) -> Offsets:
        """The offsets that a group has committed."""
        try:
            committed = self._admin.list_group_offsets(group)[group]
        except CoordinatorNotAvailableError:  # a new broker, which makes its offsets topic for the first group that asks
            return {}
        return {(part.topic, part.partition): found.offset for part, found in committed.items() if found.offset >= 0}

    def _ends(self, names: Iterable[str]) -> Offsets:
        return log_ends(self._admin, {name: self._partitions[name] for name in names})


def log_ends(client: KafkaAdminClient, partitions: Mapping[str, int]) -> Offsets:
    """The ends of topics; `partitions` says how many each has."""
    wanted = {TopicPartition(name, number): OffsetSpec.LATEST for name, count in partitions.items() for number in range(count)}
    return {(part.topic, part.partition): found.offset for part, found in client.list_partition_offsets(wanted).items()}
