"""How far topics go, and how far a consumer group has read them."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, but not marked as exported

from jobs.catalogue import jobs, metric_topic
from pipelines.settings import Settings
from schemas.topics import topics

Offsets = dict[tuple[str, int], int]
"""(topic, partition) -> the next offset."""

METRIC_TOPICS = tuple(metric_topic(output) for job in jobs().values() for output in job.outputs)


class Log:
    """Asks the broker."""

    def __init__(self, settings: Settings) -> None:
        self._admin = AdminClient({"bootstrap.servers": settings.kafka_address, "log_level": 0})
        self._partitions = {
            name: len(found.partitions) for name, found in self._admin.list_topics(timeout=10).topics.items()
        }  # asked once: nobody makes topics meanwhile

    def event_ends(self) -> Offsets:
        """The ends of the event topics."""
        return self._ends(topics())

    def metric_ends(self) -> Offsets:
        """The ends of the metric topics."""
        return self._ends(METRIC_TOPICS)

    def read_by(self, group: str) -> Offsets:
        """The offsets that a group has committed."""
        request = ConsumerGroupTopicPartitions(group)
        (answer,) = self._admin.list_consumer_group_offsets([request], request_timeout=10).values()
        return {(part.topic, part.partition): part.offset for part in answer.result().topic_partitions if part.offset >= 0}

    def _ends(self, names: Iterable[str]) -> Offsets:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(name, number): latest for name in names for number in range(self._partitions[name])}
        answers = self._admin.list_offsets(wanted, request_timeout=10)
        return {(part.topic, part.partition): answer.result().offset for part, answer in answers.items()}
