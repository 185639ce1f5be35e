"""A database of its own with every table and nothing in it, for statements that need rows which no scenario has."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_driver import Client

from dashboards.query import read
from jobs.clickhouse import view_sql
from pipelines.clickhouse import connect
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader
from pipelines.settings import Settings
from pipelines.storage import MIGRATIONS
from schemas.grains import grains


class Database:
    """Rows are put in as they are; nothing comes from Kafka."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.settings, self.client = settings, client

    def put(self, table: str, **columns: object) -> None:
        """Insert a row."""
        self.client.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", [tuple(columns.values())])

    def shown(
        self, dashboard: str, panel: str, now: datetime, rooms: Sequence[str], minutes: float = 30, **variables: Sequence[str]
    ) -> list[dict[str, Any]]:
        """What a panel's statement gives at a moment, of the minutes before it."""
        selection = Selection(now - timedelta(minutes=minutes), now, 60, {"room": rooms, **variables})
        result = Reader(self.settings).run(*bind(at(read(dashboard, panel), now), selection))
        return [dict(zip([column.name for column in result.columns], row, strict=True)) for row in result.rows]


@contextmanager
def database(stack: Settings) -> Iterator[Database]:
    """Made on the session's ClickHouse, and dropped in the end."""
    name = f"rows_{uuid.uuid4().hex[:8]}"
    admin = connect(stack)
    admin.execute(f"CREATE DATABASE {name}")
    own = connect(stack, name)
    for path in sorted(MIGRATIONS.glob("*.sql")):
        for statement in path.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                own.execute(statement)
    for grain in grains().values():
        own.execute(view_sql(grain))
    yield Database(stack.model_copy(update={"clickhouse_database": name}), own)
    own.disconnect()
    admin.execute(f"DROP DATABASE {name}")
    admin.disconnect()


def at(sql: str, now: datetime) -> str:
    """The statement as if it were that moment."""
    clock = f"toDateTime('{now.astimezone(UTC):%Y-%m-%d %H:%M:%S}', 'UTC')"
    for call, value in (("now64(3)", f"toDateTime64({clock}, 3)"), ("now()", clock)):
        sql = re.sub(rf"\b{re.escape(call)}", value, sql)
    return sql
