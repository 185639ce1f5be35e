"""Kafka topics: what there must be, and making it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from jobs.catalogue import jobs, metric_topic
from schemas.topics import topics

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

    from pipelines.settings import Settings

_METRIC_PARTITIONS = 2
_METRIC_RETENTION_HOURS = 24
"""Metric topics only carry rows to ClickHouse, which keeps them; a day bridges an outage."""


@dataclass(frozen=True)
class TopicSpec:
    """What a Kafka topic is made with."""

    name: str
    partitions: int
    retention_hours: int


def required_topics() -> list[TopicSpec]:
    """The event topics, then the metric topics of every job."""
    events = [TopicSpec(t.name, t.partitions, t.retention_hours) for t in topics().values()]
    metrics = [
        TopicSpec(metric_topic(output), _METRIC_PARTITIONS, _METRIC_RETENTION_HOURS)
        for job in jobs().values()
        for output in job.outputs
    ]
    return events + metrics


def admin(settings: Settings) -> KafkaAdminClient:
    """An admin client of the configured Kafka."""
    from kafka import KafkaAdminClient

    from pipelines.kafka import kafka_python

    return KafkaAdminClient(**kafka_python(settings), client_id="livepulse")


def create_missing(settings: Settings) -> list[str]:
    """Creates the topics that are not there yet; existing ones are left as they are.

    Returns:
        Names of the topics that were created.
    """
    from kafka.admin import NewTopic

    client = admin(settings)
    try:
        present = set(client.list_topics())
        missing = [spec for spec in required_topics() if spec.name not in present]
        if missing:
            client.create_topics(
                [
                    NewTopic(
                        name=spec.name,
                        num_partitions=spec.partitions,
                        replication_factor=-1,
                        topic_configs={"retention.ms": str(spec.retention_hours * 3_600_000)},
                    )
                    for spec in missing
                ]
            )
        return [spec.name for spec in missing]
    finally:
        client.close()


def retention(settings: Settings, names: Sequence[str]) -> dict[str, timedelta | None]:
    """How long Kafka may keep a record of each topic, by what it is told now; None: for ever.

    A file of the log is deleted when its newest record is old enough, so its oldest is kept longer by what a file spans.
    """
    from kafka.admin import ConfigResource

    client = admin(settings)
    try:
        found = client.describe_configs([ConfigResource("TOPIC", name) for name in names], config_filter="all")["topic"]
    finally:
        client.close()
    return {name: _kept({key: entry["value"] for key, entry in found[name].items()}) for name in names}


def shortened(settings: Settings, names: Sequence[str]) -> list[str]:
    """Those of the topics whose first records Kafka holds no more."""
    from kafka import KafkaConsumer, TopicPartition

    from pipelines.kafka import kafka_python

    consumer = KafkaConsumer(**kafka_python(settings))
    try:
        places = [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name) or ()]
        begin = consumer.beginning_offsets(places)
    finally:
        consumer.close()
    return [name for name in names if any(offset for place, offset in begin.items() if place.topic == name)]


def _kept(config: Mapping[str, str]) -> timedelta | None:
    milliseconds = int(config["retention.ms"])
    if milliseconds < 0 or "compact" in config["cleanup.policy"]:
        return None
    try:
        return timedelta(milliseconds=milliseconds + int(config["segment.ms"]))
    except OverflowError:
        return None
