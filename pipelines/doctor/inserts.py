"""How ClickHouse is set to store what its queues read."""

from __future__ import annotations

from pipelines.clickhouse import connect
from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings


def look(settings: Settings) -> list[Finding]:
    """The settings of the user that the views of queues store as."""
    with connect(settings) as client:
        [(most,)] = client.execute("SELECT max_partitions_per_insert_block FROM ingest_settings")
    return [judge(most)]


def judge(most: int) -> Finding:
    """A limit of partitions in a block is a warning: a replay of more days than that would be read again and again.

    Args:
        most: max_partitions_per_insert_block; 0 is no limit.
    """
    check = "days in one insert"
    if most:
        seen = f"ClickHouse refuses a block of more than {most} days, so a replay of more would stop its topic's reader"
        help_ = (
            "max_partitions_per_insert_block 0 for the user ingest (roles.sql does it) and in the default profile, where it is set"
        )
        return Finding(check, Level.WARNING, seen, help_)
    return Finding(check, Level.OK, "ClickHouse stores a block of any number of days")
