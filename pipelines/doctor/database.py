"""Whether ClickHouse has what this version of livepulse makes there: migrations, tables, queues, views."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_migrations.migration import MigrationStorage

import deploy.local
from jobs.dictionary import view_columns
from pipelines.clickhouse import connect
from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings
from pipelines.storage import MIGRATIONS, plumbing, tables
from schemas.grains import grains

_MIGRATE = "livepulse migrate"
_CREATED = re.compile(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW|MATERIALIZED VIEW) (?:IF NOT EXISTS )?(?P<name>\w+)")
_QUEUE_SETTING = re.compile(r"\b(?P<name>kafka_\w+) = (?P<value>'(?:[^'\\]|\\.|'')*'|[^\s,]+)")
_VIEW = re.compile(
    r"CREATE (?:OR REPLACE )?(?:MATERIALIZED )?VIEW (?P<name>\w+)\b.*?\bAS\s+(?P<select>(?:SELECT|WITH)\b.*)", re.DOTALL
)
_SECRET = ("sasl", "security", "password")
"""ClickHouse does not show these."""

Columns = Mapping[str, set[str]]
"""Table or view -> names of its columns."""


def look(settings: Settings) -> list[Finding]:
    """The version of the server, the migrations that it has seen, and what is in our database."""
    with connect(settings, database="default") as client:
        [(version,)] = client.execute("SELECT version()")
    found = [judge_version(version, tried_version())]
    if not exists(settings):
        return [*found, Finding("migrations", Level.PROBLEM, f"there is no database {settings.clickhouse_database}", _MIGRATE)]
    with connect(settings) as client:
        migrations = {one.version: one.md5 for one in MigrationStorage(MIGRATIONS).migrations()}
        found.append(judge_migrations(migrations, _applied(client)))
        statements = {made["name"]: statement for statement in plumbing(settings) if (made := _CREATED.match(statement))}
        wanted: dict[str, set[str]] = {table: set() for table in statements}
        wanted |= {table.name: set(table.columns) for table in tables()}
        wanted |= {grain.name: {column.name for column in view_columns(grain)} for grain in grains().values()}
        found.append(judge_columns(wanted, _columns(client)))
        found.append(judge_queues(statements, _engines(client)))
        found.append(judge_views(*_views(client, settings.clickhouse_database, statements.values())))
        return found


def exists(settings: Settings) -> bool:
    """Whether our database is there. To connect to one that is not would end ClickHouse's engine where that is a library."""
    with connect(settings, database="default") as client:
        return bool(client.execute("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": settings.clickhouse_database}))


def tried_version() -> str:
    """The ClickHouse that this version of livepulse is tested with, for example 26.7."""
    package = json.loads((Path(deploy.local.__file__).parent / "package.json").read_text(encoding="utf-8"))
    [engine] = package["dependencies"].values()
    return ".".join(engine.split(".")[:2])


def judge_version(server: str, tried: str) -> Finding:
    """Another version than the one that is tested is a warning."""
    if server.split(".")[:2] != tried.split("."):
        seen = f"{server}; livepulse is tested with {tried}"
        return Finding(
            "version of clickhouse", Level.WARNING, seen, "livepulse verify    (says whether it counts right all the same)"
        )
    return Finding("version of clickhouse", Level.OK, f"{server}, as tested")


def _applied(client: Client) -> dict[int, str] | None:
    if not client.execute("EXISTS TABLE schema_versions")[0][0]:
        return None
    return dict(client.execute("SELECT version, argMax(md5, created_at) FROM schema_versions GROUP BY version"))


def judge_migrations(wanted: Mapping[int, str], applied: Mapping[int, str] | None) -> Finding:
    """Migrations that were not applied, or that nobody here knows, are problems.

    Args:
        wanted, applied: version -> digest of its content; `applied` is None where none ever was.
    """
    check, there = "migrations", applied or {}
    if missing := sorted(wanted.keys() - there.keys()):
        return Finding(check, Level.PROBLEM, f"{len(missing)} not applied: {', '.join(f'{n:04d}' for n in missing)}", _MIGRATE)
    if unknown := sorted(there.keys() - wanted.keys()):
        seen = f"the database has seen {', '.join(f'{n:04d}' for n in unknown)}, which this livepulse does not know"
        return Finding(check, Level.PROBLEM, seen, "use the newer livepulse that made them")
    if edited := sorted(version for version in wanted if wanted[version] != there[version]):
        seen = f"edited after they were applied: {', '.join(f'{n:04d}' for n in edited)}"
        return Finding(check, Level.PROBLEM, seen, "git log schemas/clickhouse/migrations    (restore them, and write a new one)")
    return Finding(check, Level.OK, f"all {len(wanted)} are applied")


def _columns(client: Client) -> dict[str, set[str]]:
    rows = client.execute("SELECT table, groupArray(name) FROM system.columns WHERE database = currentDatabase() GROUP BY table")
    return {table: set(names) for table, names in rows}


def judge_columns(wanted: Columns, there: Columns) -> Finding:
    """Tables and views that are missing, or lack columns, are a problem.

    Args:
        wanted: with an empty set of columns where only its being there is asked for.
    """
    check = "tables and views"
    if missing := sorted(wanted.keys() - there.keys()):
        return Finding(check, Level.PROBLEM, f"{len(missing)} of {len(wanted)} are missing: {_some(missing)}", _MIGRATE)
    if lacking := sorted(f"{name}.{column}" for name, columns in wanted.items() for column in columns - there[name]):
        return Finding(check, Level.PROBLEM, f"{len(lacking)} columns are missing: {_some(lacking)}", _MIGRATE)
    return Finding(check, Level.OK, f"all {len(wanted)} are there, with every column")


def _engines(client: Client) -> dict[str, str]:
    sql = "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine = 'Kafka'"
    return dict(client.execute(sql))


def judge_queues(statements: Mapping[str, str], engines: Mapping[str, str]) -> Finding:
    """Queues that were made with other settings (another Kafka, another flush interval) are a warning.

    Args:
        statements: name -> the statement that makes it today.
        engines: queue -> its engine as ClickHouse has it.
    """
    differing = sorted(
        f"{name} {setting}"
        for name in statements.keys() & engines.keys()
        for setting, _ in _queue_settings(statements[name]).items() - _queue_settings(engines[name]).items()
    )
    if differing:
        seen = f"{len(differing)} settings of queues are not today's: {_some(differing)}"
        return Finding("queues", Level.WARNING, seen, _MIGRATE)
    return Finding("queues", Level.OK, f"all {len(engines)} have today's settings")


def _queue_settings(sql: str) -> dict[str, str]:
    """Setting -> its value, as a statement or ClickHouse writes them, which quote differently."""
    found = {setting["name"]: setting["value"] for setting in _QUEUE_SETTING.finditer(sql)}
    return {
        name: re.sub(r"\\(.)|''", lambda pair: pair[1] or "'", value[1:-1]) if value.startswith("'") else value
        for name, value in found.items()
        if not any(word in name for word in _SECRET)
    }


def _views(client: Client, database: str, statements: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """View -> its SELECT, as made today and as it is there: both as ClickHouse writes SQL, without the database's name."""
    there = client.execute(
        "SELECT name, formatQuerySingleLine(as_select) FROM system.tables WHERE database = currentDatabase() AND as_select != ''"
    )
    today = {}
    for view in filter(None, map(_VIEW.match, statements)):
        [(select,)] = client.execute("SELECT formatQuerySingleLine(%(select)s)", {"select": view["select"]})
        today[view["name"]] = select
    unqualified = f"{database}."
    return (
        {name: select.replace(unqualified, "") for name, select in today.items()},
        {name: select.replace(unqualified, "") for name, select in there},
    )


def judge_views(today: Mapping[str, str], there: Mapping[str, str]) -> Finding:
    """Views of another version, or made with other settings, are a problem: they judge and count by other rules.

    Args:
        today, there: view -> its SELECT. One that is not there at all is for `judge_columns`.
    """
    differing = sorted(name for name, select in today.items() if name in there and there[name] != select)
    if differing:
        seen = f"{len(differing)} of {len(today)} are not as this version and its settings make them: {_some(differing)}"
        return Finding("views", Level.PROBLEM, seen, _MIGRATE)
    return Finding("views", Level.OK, f"all {len(today)} are as this version makes them")


def _some(names: Iterable[str], most: int = 8) -> str:
    found = list(names)
    return ", ".join(found[:most]) + (f", and {len(found) - most} more" if len(found) > most else "")
