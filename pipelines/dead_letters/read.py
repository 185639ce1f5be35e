"""Dead letters as ClickHouse keeps them: which there are, one in full, and all that were chosen, a bounded batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipelines.errors import UserError

if TYPE_CHECKING:
    from clickhouse_driver import Client

BATCH = 1_000
BATCH_BYTES = 16_777_216
"""A batch ends with the dead letter that reaches either: one may be as large as Kafka takes."""

_PAGE = 50_000
_PLACE = "_topic, _partition, _offset"
_BEYOND = """_topic > %(last_topic)s OR _topic = %(last_topic)s AND (
  _partition > %(last_partition)s OR _partition = %(last_partition)s AND _offset > %(last_offset)s)"""
"""A comparison of tuples would say the same, but not by the primary key."""
_REPLAYED = f"({_PLACE}) IN (SELECT {_PLACE} FROM dead_letter_replay)"


class Place(NamedTuple):
    """Where a record is in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that is written so; raises a UserError when it is none."""
        match text.split("/"):
            case [topic, partition, offset] if topic and _number(partition) and _number(offset):
                return cls(topic, int(partition), int(offset))
        raise UserError(
            f"{text!r} is no place of a record.",
            "It is TOPIC/PARTITION/OFFSET, as in comment/0/42: see dead-letters list.",
            exit_code=2,
        )


@dataclass(frozen=True)
class Choice:
    """Which dead letters: those that meet everything that is given."""

    topic: str | None = None
    reason: str | None = None
    field: str | None = None
    since: datetime | None = None
    """Kafka timestamp at or after this."""
    until: datetime | None = None
    """Kafka timestamp before this."""
    places: tuple[Place, ...] = ()
    limit: int | None = None
    """At most so many, the first by place."""


class Group(NamedTuple):
    """Dead letters of one topic, reason and field."""

    topic: str
    reason: str
    field: str
    dead_letters: int
    replayed: int
    """How many of them have been sent again."""
    first_at: datetime
    last_at: datetime
    example: Place
    """The latest one."""


@dataclass(frozen=True)
class DeadLetter:
    """One record that was no valid event."""

    place: Place
    reason: str
    field: str
    raw: bytes
    received_at: datetime
    """The record's Kafka timestamp."""
    stored_at: datetime

    @property
    def received_ms(self) -> int:
        """The same in milliseconds since the epoch."""
        return _milliseconds(self.received_at)


@dataclass(frozen=True)
class Replayed:
    """What one was sent again as."""

    partition: int
    offset: int
    event_id: str
    fix: str
    """As JSON; empty when it was sent as it was."""
    at: datetime


def groups(client: Client, choice: Choice) -> list[Group]:
    """Counts by topic, reason and field, the most numerous first; `choice.limit` limits the groups."""
    where, values = _where(choice)
    rows = client.execute(
        f"SELECT _topic, reason, field, count(), countIf({_REPLAYED}), min(received_at), max(received_at),"
        f" argMax((_partition, _offset), received_at) FROM dead_letter FINAL WHERE {where}"
        f" GROUP BY _topic, reason, field ORDER BY count() DESC, _topic, reason, field{_limit(choice.limit)}",
        values,
    )
    return [Group._make((*head, Place(head[0], *example))) for *head, example in rows]


def count(client: Client, choice: Choice) -> tuple[int, int]:
    """How many were chosen, and how many of these have been replayed already."""
    where, values = _where(choice)
    [(chosen, replayed)] = client.execute(f"SELECT count(), countIf({_REPLAYED}) FROM dead_letter FINAL WHERE {where}", values)
    return chosen, replayed


def find(client: Client, place: Place) -> DeadLetter | None:
    """The dead letter at a place, or None when there is none."""
    return next(_fetch(client, [place]), None)


def replays_of(client: Client, place: Place) -> list[Replayed]:
    """Every time that a dead letter was sent again, the first one first."""
    rows = client.execute(
        "SELECT new_partition, new_offset, event_id, fix, replayed_at FROM dead_letter_replay"
        f" WHERE ({_PLACE}) = %(place)s ORDER BY replayed_at",
        {"place": place},
    )
    return [Replayed(*row) for row in rows]


def pending(client: Client, choice: Choice) -> Iterator[list[DeadLetter]]:
    """Batches of the chosen ones that have not been replayed, by place.

    What is recorded as replayed while this is read changes nothing: it goes on behind the last place.
    """
    where, values = _where(choice)
    left, after = choice.limit, None
    while left is None or left > 0:
        beyond = f" AND ({_BEYOND})" if after else ""
        rows = client.execute(
            f"SELECT {_PLACE}, length(raw) FROM dead_letter FINAL WHERE {where} AND NOT {_REPLAYED}{beyond}"
            f" ORDER BY {_PLACE}{_limit(_PAGE if left is None else min(left, _PAGE))}",
            values | ({"last_topic": after.topic, "last_partition": after.partition, "last_offset": after.offset} if after else {}),
        )
        if not rows:
            return
        yield from _batches(client, rows)
        after = Place(*rows[-1][:3])
        left = None if left is None else left - len(rows)


def sample(client: Client, choice: Choice, size: int) -> Iterator[list[DeadLetter]]:
    """Batches of some of the chosen ones that have not been replayed, from everywhere among them, each time the same."""
    where, values = _where(choice)
    chosen = f"SELECT {_PLACE}, length(raw) AS bytes FROM dead_letter FINAL WHERE {where} AND NOT {_REPLAYED}"
    if choice.limit is not None:
        chosen += f" ORDER BY {_PLACE}{_limit(choice.limit)}"
    rows = client.execute(f"SELECT {_PLACE}, bytes FROM ({chosen}) ORDER BY cityHash64({_PLACE}){_limit(size)}", values)
    yield from _batches(client, rows)


def _batches(client: Client, rows: Iterable[tuple[str, int, int, int]]) -> Iterator[list[DeadLetter]]:
    batch: list[Place] = []
    size = 0
    for topic, partition, offset, length in rows:
        batch.append(Place(topic, partition, offset))
        size += length
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield list(_fetch(client, batch))
            batch, size = [], 0
    if batch:
        yield list(_fetch(client, batch))


def _fetch(client: Client, places: list[Place]) -> Iterator[DeadLetter]:
    rows = client.execute(
        f"SELECT {_PLACE}, reason, field, raw, received_at, inserted_at FROM dead_letter FINAL"
        f" WHERE ({_PLACE}) IN %(places)s ORDER BY {_PLACE}",
        {"places": tuple(places)},
        settings={"strings_as_bytes": True},  # what is not UTF-8 comes as it is
    )
    for topic, partition, offset, reason, field, raw, received_at, stored_at in rows:
        yield DeadLetter(Place(topic.decode(), partition, offset), reason.decode(), field.decode(), raw, received_at, stored_at)


def _where(choice: Choice) -> tuple[str, dict[str, Any]]:
    """The condition, and the values that are bound in it."""
    conditions = {
        "topic": ("_topic = %(topic)s", choice.topic),
        "reason": ("reason = %(reason)s", choice.reason),
        "field": ("field = %(field)s", choice.field),
        "since": (
            "received_at >= fromUnixTimestamp64Milli(toInt64(%(since)s), 'UTC')",
            choice.since and _milliseconds(choice.since),
        ),
        "until": (
            "received_at < fromUnixTimestamp64Milli(toInt64(%(until)s), 'UTC')",
            choice.until and _milliseconds(choice.until),
        ),
        "places": (f"({_PLACE}) IN %(places)s", choice.places or None),
    }
    given = {name: value for name, (_, value) in conditions.items() if value is not None}
    return " AND ".join(conditions[name][0] for name in given) or "1", given


def _limit(rows: int | None) -> str:
    return "" if rows is None else f" LIMIT {int(rows)}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
