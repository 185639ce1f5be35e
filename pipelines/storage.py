"""Setting up ClickHouse: migrations for what keeps data, everything else made anew."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException

import schemas
from jobs import clickhouse as metrics
from jobs.catalogue import jobs
from pipelines.clickhouse import address, connect
from pipelines.errors import UserError
from pipelines.kafka import address_for_clickhouse
from pipelines.settings import Settings
from pipelines.sql import fill
from schemas import storage
from schemas.events.base import USER
from schemas.generate import clickhouse as events
from schemas.grains import grains
from schemas.topics import topics

MIGRATIONS = Path(schemas.__file__).parent / "clickhouse" / "migrations"
_TTL = re.compile(r"\bTTL inserted_at \+ toIntervalDay\((\d+)\)")
_TAKES_RECORDS = re.compile(r"(\ACREATE (?:MATERIALIZED VIEW \w+ TO \w+|OR REPLACE VIEW ingest_settings))(\s)")
# The settings that the views which take records store with: it works as their definer, as they do. `livepulse doctor` asks it.
_INGEST_SETTINGS = """CREATE OR REPLACE VIEW ingest_settings AS
SELECT getSetting('max_partitions_per_insert_block') AS max_partitions_per_insert_block"""

VIEWS = Path(schemas.__file__).parent / "clickhouse" / "views"

# Where the views that store events say by which rules they label them, as ClickHouse writes SQL.
_RULES = {
    "time_zone": re.compile(r", '(\S+)'\) AS day\b"),
    "lateness_seconds": re.compile(r" > (\d+)000\)? AS is_late\b"),
    "future_seconds": re.compile(r"\breceived_ms \+ (\d+)000\)"),
}


def tables() -> list[storage.StorageTable]:
    """Every table that keeps data: events and what is known of them, then counters."""
    return [*storage.tables(), *metrics.tables()]


def migrate(settings: Settings) -> list[int]:
    """Brings the database up to date; safe to repeat, and while records arrive.

    Reading from Kafka goes on where it stopped: the place is kept in Kafka, by consumer group.

    Returns:
        Versions of the migrations that were applied.

    Raises:
        UserError: the database was made by other rules; nothing is changed.
    """
    refuse_other_rules(settings)
    applied = _apply_migrations(settings)
    client = connect(settings)
    try:
        # Records are stored as the user that may store, whoever migrates: the views that take them work as their definer.
        [(separate,)] = client.execute("SELECT count() FROM system.users WHERE name = 'ingest'")
        set_retention(settings, client)
        for statement in plumbing(settings):
            client.execute(_TAKES_RECORDS.sub(r"\1 DEFINER = ingest SQL SECURITY DEFINER\2", statement) if separate else statement)
    finally:
        client.disconnect()
    return applied


def retention_days(settings: Settings, table: storage.StorageTable) -> int | None:
    """How many days a table keeps a row after it was stored; None where it keeps it for good."""
    if "inserted_at" not in table.columns:
        return None
    if table.name == storage.dead_letter_table().name:
        return settings.dead_letter_ttl_days
    return settings.person_ttl_days if USER in table.order_by else settings.event_ttl_days


def set_retention(settings: Settings, client: Client) -> None:
    """Has every table delete rows when the settings say so: those that are stored already too, when ClickHouse gets to it."""
    kept = kept_days(client)
    for table in tables():
        if days := retention_days(settings, table):
            _keep(client, table.name, kept.get(table.name), days)


def kept_days(client: Client) -> dict[str, int]:
    """Table -> how many days it keeps a row after it was stored, as ClickHouse was told; none that keeps it for good."""
    found = client.execute("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    return {name: int(ttl[1]) for name, definition in found if (ttl := _TTL.search(definition))}


def readers(settings: Settings) -> str:
    """What the names of ClickHouse's consumer groups in Kafka begin with; `reader` is one of them."""
    return f"clickhouse-{settings.clickhouse_database}"


def reader(settings: Settings, topic: str) -> str:
    """The consumer group in which ClickHouse reads a topic."""
    return f"{readers(settings)}-{topic}"


def plumbing(settings: Settings) -> list[str]:
    """Every statement that makes queues and views, in order."""
    statements = [s for topic in topics().values() for s in events.ingest_sql(topic)]
    statements += metrics.freshness_sql()
    for job in jobs().values():
        statements += [s for name, output in job.outputs.items() for s in metrics.ingest_sql(job.name, name, output)]
    statements += [_INGEST_SETTINGS, *(metrics.view_sql(grain) for grain in grains().values())]
    # In reverse, as a view that reads another is called like its beginning.
    statements += [
        path.read_text(encoding="utf-8") for path in sorted(VIEWS.glob("*.sql"), key=lambda path: path.stem, reverse=True)
    ]
    return [
        fill(
            statement,
            kafka=address_for_clickhouse(settings),
            readers=readers(settings),
            event_flush_ms=settings.event_flush_ms,
            event_poll_ms=settings.event_flush_ms // 2,
            metric_flush_ms=settings.metric_flush_ms,
            # Shorter polls would only have an empty queue build its views more often.
            metric_poll_ms=settings.metric_flush_ms,
            time_zone=settings.time_zone,
            lateness_ms=settings.lateness_seconds * 1000,
            future_ms=settings.future_seconds * 1000,
            session_gap_seconds=settings.session_gap_seconds,
            activity_gap_seconds=settings.activity_gap_seconds,
        )
        for statement in statements
    ]


def refuse_other_rules(settings: Settings) -> None:
    """Stored events keep their day, their broadcast and whether they were late, but Flink would count them again by new rules:
    `buyer_day` would have a payment under both days.

    Raises:
        UserError: the settings have other rules than the database, if there is one.
    """
    client = connect(settings, database="default")  # ours need not be there yet
    try:
        views = client.execute(
            "SELECT as_select FROM system.tables WHERE database = %(database)s AND name IN %(names)s",
            {"database": settings.clickhouse_database, "names": [f"{t}_{view}" for t in topics() for view in ("store", "parse")]},
        )
    finally:
        client.disconnect()
    changed = {
        f"LIVEPULSE_{name.upper()} is {getattr(settings, name)}, but was {found[1]}"
        for name, rule in _RULES.items()
        for (select,) in views
        if (found := rule.search(select)) and found[1] != str(getattr(settings, name))
    }
    if changed:
        raise UserError(
            f"{'; '.join(sorted(changed))} when the database {settings.clickhouse_database} was made. What is stored was labelled "
            "by that, and numbers by other rules would not agree with it.",
            "Set it back. To count by other rules begin with a Kafka and a LIVEPULSE_CLICKHOUSE_DATABASE that have nothing yet; "
            "livepulse down --wipe empties the local stack's.",
        )


def _apply_migrations(settings: Settings) -> list[int]:
    where = address(settings)
    cluster = ClickhouseCluster(
        db_host=where["host"],
        db_port=str(where["port"]),
        db_user=where["user"],
        db_password=where["password"],
        secure="ca_certs" in where,
        ca_cert=where.get("ca_certs"),
    )
    try:
        applied = cluster.migrate(
            db_name=settings.clickhouse_database,
            migration_path=MIGRATIONS,
            create_db_if_no_exists=True,
            multi_statement=True,
        )
    except MigrationException as error:
        raise UserError(
            f"The database {settings.clickhouse_database} was made by other migrations than this version's: {error}",
            "Use the version that it was made by, or a newer one; while developing, an empty LIVEPULSE_CLICKHOUSE_DATABASE.",
        ) from error
    return [migration.version for migration in applied]


def _keep(client: Client, table: str, days_before: int | None, days: int) -> None:
    if days == days_before:
        return
    if days_before is not None:
        # Before the change, as what is noted twice does no harm.
        client.execute(
            "INSERT INTO retention_change (table, changed_at, days_before, days) VALUES",
            [(table, datetime.now(UTC), days_before, days)],
        )
    # Parts remember when they expire: without the setting, what is stored would go when it was to go before.
    client.execute(f"ALTER TABLE {table} MODIFY TTL inserted_at + toIntervalDay({days}) SETTINGS materialize_ttl_after_modify = 1")
