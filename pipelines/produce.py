"""Sending records to Kafka fast, and knowing what became of each.

Nothing is dropped silently: a record that was sent is delivered (acknowledged by all in-sync replicas, in order, not
doubled by retries), or it is counted in `Sender.failed` with its error. A full queue waits; a broker that is away is
retried for two minutes.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked as exported
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from pipelines.errors import UserError

_TIMEOUT = 10.0
_POLL_EVERY = 1_000
_SILENT = logging.getLogger("livepulse.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False  # its lines would tear the progress display; `Sender.trouble` tells the same

_CONFIG: dict[str, Any] = {
    "client.id": "livepulse",
    "acks": "all",
    "enable.idempotence": True,
    "delivery.timeout.ms": 120_000,
    # Where Java producers put a key, so that copies of one record meet in one partition whoever sends them.
    "partitioner": "murmur2_random",
    "message.max.bytes": 16_777_216,  # before compression: what is too large is for the broker to say
    "topic.metadata.refresh.interval.ms": 10_000,  # partitions that are added are written to within seconds
    "linger.ms": 10,
    "batch.size": 262_144,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 262_144,
    # A callback for each delivered record would cost more than sending it: what is neither failed nor pending is delivered.
    "delivery.report.only.error": True,
    "logger": _SILENT,
}


class Stopped(Exception):
    """`Sender.send` was told to give up while the queue was full; the record was not taken."""


class Sender:
    """Sends to the Kafka at `bootstrap`. Not for several threads."""

    def __init__(
        self,
        bootstrap: str,
        *,
        login: Mapping[str, str] = MappingProxyType({}),
        tick: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
        receipts: bool = False,
    ) -> None:
        """`tick` is called every tenth of a second while waiting; `stopped` asked whether to give up when the queue is full.

        `login` is what `pipelines.kafka.librdkafka` says.
        `receipts` are needed for `send_with_receipt`, and cost more than sending does.
        """
        self.sent = 0
        """Records handed over so far."""
        self.failed = 0
        """Records that Kafka refused, or did not acknowledge in time."""
        self.errors: Counter[str] = Counter()
        """Why they failed."""
        self._tick, self._stopped = tick, stopped
        self._trouble: tuple[float, str] | None = None
        self._producer = Producer(
            {
                **_CONFIG,
                **login,
                "bootstrap.servers": bootstrap,
                "on_delivery": self._on_failure,
                "error_cb": self._on_trouble,
                "delivery.report.only.error": not receipts,
            }
        )
        self._produce, self._poll = self._producer.produce, self._producer.poll

    def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
        """Queue one record; waits while the queue is full. A refusal is counted, not raised.

        Raises:
            Stopped: the queue was full, and `stopped` said so.
        """
        try:
            self._produce(topic, value, key, timestamp=timestamp_ms)
        except BufferError:
            self._send_when_there_is_room(topic, key, value, timestamp_ms)
        except KafkaException as error:
            self._count(error.args[0])
        self.sent += 1
        if not self.sent % _POLL_EVERY:
            self._poll(0)

    def send_with_receipt(
        self,
        topic: str,
        key: str,
        value: bytes,
        timestamp_ms: int,
        headers: Mapping[str, bytes],
        receipt: Callable[[int, int], None],
    ) -> None:
        """As `send`, with headers; `receipt` is told partition and offset once Kafka has acknowledged the record."""

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._count(error)
            else:
                receipt(message.partition() or 0, message.offset() or 0)

        while True:
            try:
                self._produce(topic, value, key, timestamp=timestamp_ms, headers=dict(headers), on_delivery=report)
            except BufferError:
                self.flush()
                continue
            except KafkaException as error:
                self._count(error.args[0])
            self.sent += 1
            return

    def poll(self) -> None:
        """Learn what became of records sent before; call this when nothing was sent for a while."""
        self._poll(0)

    @property
    def pending(self) -> int:
        """Records that are queued or under way."""
        return len(self._producer)

    @property
    def delivered(self) -> int:
        """Records that Kafka has acknowledged."""
        return self.sent - self.failed - self.pending

    @property
    def trouble(self) -> str | None:
        """What the connection suffers from just now, if anything."""
        if self._trouble and time.monotonic() - self._trouble[0] < 5 and self.pending:
            return self._trouble[1]
        return None

    def flush(self) -> None:
        """Wait until everything sent has been delivered or has failed."""
        while self._producer.flush(0.1):
            self._tick()

    def abandon(self) -> None:
        """Give up on what is pending: it counts as failed, though some of it may have arrived."""
        self._producer.purge()
        self._producer.flush(1)

    def require_topics(self, names: Iterable[str]) -> None:
        """Raise a UserError unless the topics exist: Kafka would otherwise refuse records one by one."""
        try:
            present = self._producer.list_topics(timeout=_TIMEOUT).topics
        except KafkaException as error:
            raise UserError(f"Kafka does not tell its topics: {error.args[0].str()}", "livepulse status") from None
        if missing := sorted(set(names) - present.keys()):
            raise UserError(f"Kafka has no topic {', '.join(missing)}.", "Create what is missing: livepulse migrate")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        elif self.pending:
            self.abandon()

    def _send_when_there_is_room(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
        while True:
            self._poll(0.1)
            self._tick()
            if self._stopped():
                raise Stopped
            try:
                self._produce(topic, value, key, timestamp=timestamp_ms)
            except BufferError:
                continue
            except KafkaException as error:
                self._count(error.args[0])
            return

    def _on_failure(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._count(error)

    def _on_trouble(self, error: KafkaError) -> None:
        self._trouble = time.monotonic(), error.str()

    def _count(self, error: KafkaError) -> None:
        self.failed += 1
        self.errors[f"{error.name()}: {error.str()}"] += 1


class Retention:
    """Keeps old records from being sent where Kafka would delete them at once, and early ones where it refuses them."""

    def __init__(
        self,
        bootstrap: str,
        topics: Iterable[str],
        *,
        login: Mapping[str, str] = MappingProxyType({}),
        keep_forever: bool = False,
    ) -> None:
        config: dict[str, Any] = {**login, "bootstrap.servers": bootstrap, "logger": _SILENT}
        self._admin = AdminClient(config)
        self._keep_forever = keep_forever
        self._resources = {topic: ConfigResource(ResourceType.TOPIC, topic) for topic in topics}
        self._retention: dict[str, int] = {}
        self._ahead: dict[str, int] = {}
        for resource, answer in self._admin.describe_configs(list(self._resources.values()), request_timeout=_TIMEOUT).items():
            config = answer.result(_TIMEOUT)
            self._retention[resource.name] = _milliseconds(config.get("retention.ms"))
            self._ahead[resource.name] = _milliseconds(config.get("message.timestamp.after.max.ms"))

    def check(self, topic: str, timestamp_ms: int) -> None:
        """Raise a UserError if a record of that time would not be kept; with `keep_forever`, see to it that it is."""
        now = int(time.time() * 1_000)
        if timestamp_ms < now - self._retention[topic]:
            if not self._keep_forever:
                days = self._retention[topic] / 86_400_000
                raise UserError(
                    f"Kafka keeps topic {topic} for {days:g} days and would soon delete a record of {_date(timestamp_ms)}.",
                    "Say --keep-forever to set retention.ms=-1 on the topics concerned, or send with the times of today.",
                )
            self._set_forever(topic)
        if timestamp_ms > now + self._ahead[topic]:
            raise UserError(
                f"Kafka refuses records of topic {topic} that are over {self._ahead[topic] / 60_000:g} minutes ahead: "
                f"this one is of {_date(timestamp_ms)}.",
                "Times were moved to now? The end of a pipe is not known: play it from a file, or with --speed 1.",
            )

    def _set_forever(self, topic: str) -> None:
        entry = ConfigEntry("retention.ms", "-1", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for answer in self._admin.incremental_alter_configs([resource], request_timeout=_TIMEOUT).values():
            answer.result(_TIMEOUT)
        self._retention[topic] = _FOREVER


_FOREVER = 1 << 62


def _milliseconds(entry: ConfigEntry | None) -> int:
    value = -1 if entry is None or entry.value is None else int(entry.value)
    return _FOREVER if value < 0 or value > _FOREVER else value


def _date(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(milliseconds / 1_000))
