"""What the board shows: a row for each room, and the state of the whole, read from the views."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import UserError
from pipelines.settings import Settings
from schemas.topics import topics

if TYPE_CHECKING:
    from clickhouse_driver import Client
    from kafka import KafkaConsumer

    from pipelines.flink.rest import Application

_SETTLE_SECONDS = 5
"""A window of 10 s counts as complete when it has been over for so long; events out of order may still add to it."""
_SLOW_SECONDS = 5.0
"""What costs more than a glance is read this often."""
_KAFKA_MS = 3_000
_NOT_MIGRATED = {60, 81}
"""ClickHouse's codes of an unknown table and an unknown database."""

_ROOMS = """
SELECT room_id, broadcast_id, audience, viewers_basis, interaction_rate, average_watch_seconds, conversion_rate,
  new_buyers, repeat_buyers, repeat_buyer_rate, if(viewers > 0, peak_concurrency, NULL), toUnixTimestamp64Milli(last_record_at)
FROM broadcast
-- A refund moves `last_record_at` days later; what viewers did says which broadcast is on.
WHERE if(viewers > 0, last_view_at, last_activity_at) >= toDateTime64(%(since)s, 3, 'UTC')
-- Not a day of chat in groups alone.
AND viewers + interacting_users + paying_users > 0
-- A room's current broadcast is where viewers are; without viewers, one with a name: events without one belong to its day.
ORDER BY last_view_at DESC, startsWith(broadcast_id, 'day:'), last_activity_at DESC
LIMIT 1 BY room_id"""

# A window that is filling counts once it has more than the last complete one.
_NOW = """
SELECT room_id, max(audience) FROM room_10s
WHERE window_start BETWEEN toDateTime(%(window)s, 'UTC') AND toDateTime(%(at)s, 'UTC') GROUP BY room_id"""

_MONEY = """
SELECT room_id, broadcast_id, currency, gmv_paid, gmv_refunded FROM broadcast_sales
WHERE (room_id, broadcast_id) IN %(broadcasts)s ORDER BY gmv_paid DESC, currency"""

_REPURCHASE = "SELECT buyers, repeat_buyers, repurchase_rate FROM repurchase WHERE period = 'all' AND room_id = ''"


@dataclass(frozen=True)
class Money:
    """What was paid and given back in one currency, in minor units."""

    currency: str
    paid: int
    refunded: int


@dataclass(frozen=True)
class Room:
    """A room's current broadcast. Rates are None while their denominator is 0."""

    room_id: str
    broadcast_id: str
    viewers_now: int
    """Distinct users in the last complete window of 10 s, or in the one that is filling if they are more already."""
    viewers: int
    """Distinct users since the broadcast began."""
    peak_viewers: int | None
    """None where no views are told."""
    interaction_rate: float | None
    average_watch_seconds: float | None
    conversion_rate: float | None
    money: tuple[Money, ...]
    new_buyers: int
    repeat_buyers: int
    repeat_buyer_rate: float | None
    basis: str
    """`exact` from view events, or `inferred` from activity."""
    age_seconds: float
    """Age of the newest record that the row has counted."""


@dataclass(frozen=True)
class Repurchase:
    """All rooms together, over all time."""

    buyers: int
    repeat_buyers: int
    rate: float


@dataclass(frozen=True)
class Totals:
    """The state of the whole. None where the service that knows does not answer."""

    received: int | None
    """Records that the event topics hold."""
    per_second: float | None
    dead_letters: int
    late_share: float | None
    """Of the events of the last minutes."""
    applications: tuple[Application, ...] | None


class Reader:
    """Reads the board; keeps its connections. Not for several threads."""

    def __init__(self, settings: Settings, minutes: float) -> None:
        """Rooms without a record in the last so many minutes are left out."""
        from pipelines.clickhouse import connect

        self._settings = settings
        self._seconds = round(minutes * 60)
        self._client: Client = connect(settings)
        self._kafka: KafkaConsumer | None = None
        self._kafka_again = 0.0
        self._received: tuple[float, int] | None = None
        self._slow: tuple[float, int, float | None, tuple[Application, ...] | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()
        if self._kafka is not None:
            self._kafka.close()

    def rooms(self, at: float | None = None) -> list[Room]:
        """The rooms, the fullest first, as of now or of another moment (seconds since the epoch)."""
        at = time.time() if at is None else at
        now_ms = time.time() * 1_000
        found = self._execute(_ROOMS, {"since": int(at) - self._seconds})
        if not found:
            return []
        window = (int(at) - _SETTLE_SECONDS) // 10 * 10 - 10
        audience = dict(self._execute(_NOW, {"window": window, "at": int(at)}))
        money = defaultdict(list)
        for room, broadcast, currency, paid, refunded in self._execute(_MONEY, {"broadcasts": [row[:2] for row in found]}):
            money[room, broadcast].append(Money(currency, paid, refunded))
        rooms = [
            Room(
                room_id=room,
                broadcast_id=broadcast,
                viewers_now=audience.get(room, 0),
                viewers=viewers,
                peak_viewers=peak,
                interaction_rate=interaction,
                average_watch_seconds=watch,
                conversion_rate=conversion,
                money=tuple(money[room, broadcast]),
                new_buyers=new,
                repeat_buyers=repeat,
                repeat_buyer_rate=repeat_rate,
                basis=basis,
                age_seconds=max(0.0, (now_ms - newest) / 1_000),
            )
            for room, broadcast, viewers, basis, interaction, watch, conversion, new, repeat, repeat_rate, peak, newest in found
        ]
        return sorted(rooms, key=lambda room: (-room.viewers_now, -room.viewers, room.room_id))

    def repurchase(self) -> Repurchase | None:
        """Buyers who bought again; None while there are no buyers."""
        rows = self._execute(_REPURCHASE, {})
        return Repurchase(*rows[0]) if rows else None

    def totals(self) -> Totals:
        """The header line. The first call knows no rate yet."""
        now = time.monotonic()
        received = self._offsets()
        per_second = None
        if received is not None and self._received is not None:
            before, count = self._received
            per_second = (received - count) / (now - before) if now > before else None
        self._received = None if received is None else (now, received)
        if self._slow is None or now - self._slow[0] >= _SLOW_SECONDS:
            [(dead,)] = self._execute("SELECT count() FROM dead_letter", {})
            self._slow = (now, dead, self._late_share(), self._applications())
        _, dead, late, applications = self._slow
        return Totals(received, per_second, dead, late, applications)

    def _execute(self, sql: str, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
        from clickhouse_driver.errors import Error, ServerException

        try:
            rows: list[tuple[Any, ...]] = self._client.execute(sql, parameters)
        except ServerException as error:
            if error.code in _NOT_MIGRATED:
                hint = "Create what is missing: livepulse migrate"
                raise UserError("ClickHouse has not got all tables and views yet.", hint) from error
            raise
        except (Error, OSError, EOFError) as error:
            address = self._settings.clickhouse_address
            raise UserError(f"clickhouse does not answer at {address} any more: {error}", "livepulse status") from error
        return rows

    def _late_share(self) -> float | None:
        events = " UNION ALL ".join(
            f"SELECT countIf(is_late) AS late, count() AS events FROM {topic}_event "
            "WHERE received_at >= toDateTime(%(since)s, 'UTC')"
            for topic in topics()
        )
        parameters: dict[str, object] = {"since": int(time.time()) - self._seconds}
        [(late, total)] = self._execute(f"SELECT sum(late), sum(events) FROM ({events})", parameters)
        return late / total if total else None

    def _offsets(self) -> int | None:
        """Records in the event topics; None while Kafka does not answer, which is not asked again at once."""
        from kafka import KafkaConsumer, TopicPartition
        from kafka.errors import KafkaError

        from pipelines.kafka import kafka_python

        if time.monotonic() < self._kafka_again:
            return None
        try:
            if self._kafka is None:
                self._kafka = KafkaConsumer(
                    **kafka_python(self._settings),
                    enable_auto_commit=False,
                    group_id=None,
                    bootstrap_timeout_ms=_KAFKA_MS,
                    request_timeout_ms=_KAFKA_MS,
                )
            partitions = [TopicPartition(name, p) for name in topics() for p in self._kafka.partitions_for_topic(name) or ()]
            ends, begins = self._kafka.end_offsets(partitions), self._kafka.beginning_offsets(partitions)
        except KafkaError:
            self._kafka_again = time.monotonic() + 2 * _SLOW_SECONDS
            return None
        return int(sum(ends.values()) - sum(begins.values()))

    def _applications(self) -> tuple[Application, ...] | None:
        from pipelines.flink.rest import overview

        try:
            return tuple(application for application in overview(self._settings) if application.running)
        except UserError:
            return None
