"""Since when what is stored is whole: what came before may have been deleted by its age, and proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings

_MARGIN = timedelta(hours=2)
"""Kafka takes timestamps that are up to an hour ahead, and rows expire while they are compared."""


def events_whole_since(settings: Settings, client: Client) -> datetime | None:
    """From when on no event, and no buyer's day, is old enough to have been deleted: a midnight of the configured zone, in it.

    A midnight, as buyers are known by day. None while the database is younger than what it keeps: then all of it is whole,
    however long ago it happened.
    """
    oldest = _kept_since(client, min(settings.event_ttl_days, settings.person_ttl_days))
    if oldest is None:
        return None
    # An event may be ahead of when it was received.
    zone = ZoneInfo(settings.time_zone)
    local = (oldest + timedelta(seconds=settings.future_seconds)).astimezone(zone)
    return datetime.combine(local.date() + timedelta(days=1), time(), zone)


def records_whole_since(settings: Settings, client: Client) -> datetime | None:
    """Since when no record, event or dead letter, is old enough to have been deleted; None as above."""
    return _kept_since(client, min(settings.event_ttl_days, settings.dead_letter_ttl_days))


def _kept_since(client: Client, days: int) -> datetime | None:
    [(oldest, made_at)] = client.execute(
        "SELECT now('UTC') - toIntervalDay(%(days)s), min(created_at) FROM schema_versions", {"days": days}
    )
    kept: datetime = oldest.replace(tzinfo=UTC) + _MARGIN
    return None if made_at.replace(tzinfo=UTC) > kept else kept
