"""Since when what is stored is whole: what came before may have been deleted by its age, and proves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines.storage import kept_days, tables
from schemas.events import EVENTS
from schemas.events.base import USER
from schemas.storage import dead_letter_table, event_table

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings

_EVENT_TABLES = [event_table(topic).name for topic in EVENTS]
_MARGIN = timedelta(hours=2)
"""Kafka takes timestamps that are up to an hour ahead, and rows expire while they are compared."""


def events_whole_since(settings: Settings, client: Client) -> datetime | None:
    """From when on no event, and no buyer's day, is old enough to have been deleted: a midnight of the configured zone, in it.

    A midnight, as buyers are known by day. None while the database is younger than what it keeps: then all of it is whole,
    however long ago it happened.
    """
    of_people = [table.name for table in tables() if USER in table.order_by]
    oldest = _whole_since(client, [*_EVENT_TABLES, *of_people])
    if oldest is None:
        return None
    # An event may be ahead of when it was received.
    zone = ZoneInfo(settings.time_zone)
    local = (oldest + timedelta(seconds=settings.future_seconds)).astimezone(zone)
    return datetime.combine(local.date() + timedelta(days=1), time(), zone)


def records_whole_since(client: Client) -> datetime | None:
    """Since when no record, event or dead letter, is old enough to have been deleted; None as above."""
    return _whole_since(client, [*_EVENT_TABLES, dead_letter_table().name])


def _whole_since(client: Client, names: Iterable[str]) -> datetime | None:
    kept = kept_days(client)
    shortest = min((kept[name] for name in names if name in kept), default=None)
    if shortest is None:
        return None
    # What a shorter retention had deleted before it was changed does not come back.
    [(oldest, made_at)] = client.execute(
        "SELECT greatest(now64(3, 'UTC') - toIntervalDay(%(days)s), max(changed_at - toIntervalDay(days_before))),"
        " (SELECT min(created_at) FROM schema_versions) FROM retention_change WHERE table IN %(names)s",
        {"days": shortest, "names": list(names)},
    )
    whole: datetime = oldest.replace(tzinfo=UTC) + _MARGIN
    return None if made_at.replace(tzinfo=UTC) > whole else whole
