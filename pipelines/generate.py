"""Everything that is generated from the models, metadata and templates, and whether what is in the tree is up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import schemas
from jobs import clickhouse as jobs_clickhouse
from jobs import dictionary
from jobs import flink as jobs_flink
from pipelines import compose
from pipelines.errors import UserError
from pipelines.stack import roles
from pipelines.storage import MIGRATIONS, tables
from schemas.generate import asyncapi, clickhouse, flink, json_schema

GENERATED = Path(schemas.__file__).parent / "generated"
SNAPSHOT = MIGRATIONS / "columns.json"
"""What the migrations make, table by table: column -> definition. Tested against a real ClickHouse."""


def files() -> dict[Path, str]:
    """Path -> content of every file that is generated from models and metadata."""
    made: dict[str, str] = {}
    for module in (flink, clickhouse, jobs_flink, jobs_clickhouse, asyncapi, json_schema, dictionary):
        made |= module.files()
    return {GENERATED / name: text for name, text in made.items()}


def stale_in(folder: Path, wanted: Mapping[Path, str]) -> list[Path]:
    """Files of a generated folder that differ from what is wanted, are missing, or should not be there."""
    present = {path for path in folder.rglob("*") if path.is_file()}
    changed = {path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text}
    return sorted(changed | (present - wanted.keys()))


def write_in(folder: Path, wanted: Mapping[Path, str]) -> list[Path]:
    """Writes what is stale in a generated folder, and removes what should not be there; returns the files touched."""
    touched = stale_in(folder, wanted)
    for path in touched:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return touched


def stale() -> list[Path]:
    """Generated files that are out of date, and whether a migration is."""
    pending = [MIGRATIONS / "(a new migration)"] if next_migration() else []
    return [path for folder, wanted in _folders().items() for path in stale_in(folder, wanted)] + pending


def write() -> list[Path]:
    """Writes what is stale, removes what should not be there, and adds a migration where tables need one.

    Returns:
        The files that were written or removed.
    """
    touched = [path for folder, wanted in _folders().items() for path in write_in(folder, wanted)]
    if sql := next_migration():
        number = 1 + max((int(path.name[:4]) for path in MIGRATIONS.glob("[0-9]*.sql")), default=0)
        path = MIGRATIONS / f"{number:04d}_{'initial' if number == 1 else 'tables'}.sql"
        path.write_text(sql, encoding="utf-8")
        SNAPSHOT.write_text(json.dumps(_desired(), indent=1) + "\n", encoding="utf-8")
        touched += [path, SNAPSHOT]
    return touched


def next_migration() -> str:
    """The migration that storage still lacks; empty when the migrations make every table and column.

    Raises:
        UserError: a column changed its type or is gone: what happens to stored rows is for a person to say.
    """
    made: dict[str, dict[str, str]] = json.loads(SNAPSHOT.read_text(encoding="utf-8")) if SNAPSHOT.exists() else {}
    statements = []
    for table in tables():
        if table.name not in made:
            statements.append(table.create_sql())
            continue
        before = made[table.name]
        for column in before.keys() | table.columns.keys():
            if column not in table.columns or (column in before and before[column] != table.columns[column]):
                raise UserError(
                    f"{table.name}.{column} changed from {before[column]} to {table.columns.get(column, 'nothing')}",
                    hint=f"Write the migration by hand in {MIGRATIONS.name}/, and the new definition in {SNAPSHOT.name}.",
                )
        statements += [table.add_column_sql(column) for column in table.columns if column not in before]
    return ";\n\n".join(statements) + ";\n" if statements else ""


def _folders() -> dict[Path, dict[Path, str]]:
    """Generated folder -> what is to be in it."""
    return {GENERATED: files(), compose.GENERATED: compose.files(), roles.GENERATED: roles.files()}


def _desired() -> dict[str, dict[str, str]]:
    return {table.name: table.columns for table in tables()}
