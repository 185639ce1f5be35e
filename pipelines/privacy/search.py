"""Looking for a person in every text of every table, whoever made it: what forgetting is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipelines.privacy.columns import Request, is_person_column

if TYPE_CHECKING:
    from clickhouse_driver import Client


class Table(NamedTuple):
    """A table with text: anybody may have made it, and called it anything."""

    database: str
    name: str

    def __str__(self) -> str:
        return f"system.{self.name}" if self.database == "system" else self.name

    @property
    def sql(self) -> str:
        """Its whole name in a statement."""
        return f"{quoted(self.database)}.{quoted(self.name)}"


@dataclass(frozen=True)
class Found:
    """Where the id still is."""

    table: str
    column: str
    rows: int
    """With the id as a word of its own."""
    inside: int
    """With the id inside a longer word, which is another's id or nothing at all."""


def search(client: Client, request: Request) -> list[Found]:
    """Every column with text in every table that is kept on disk: of the database, and the server's own logs."""
    return [found for table, columns in _texts(client) for found in _search_table(client, request, table, columns)]


def log_tables(client: Client) -> dict[Table, list[str]]:
    """The server's own log tables, where it keeps any, and their columns with text."""
    return {table: columns for table, columns in _texts(client) if table.database == "system"}


def quoted(name: str) -> str:
    """A table's or a column's name as it stands in a statement."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _texts(client: Client) -> Iterator[tuple[Table, list[str]]]:
    rows = client.execute(
        """SELECT database, table, groupArray(name) FROM system.columns
        WHERE database IN (currentDatabase(), 'system') AND position(type, 'String') > 0
          AND (database, table) IN (SELECT database, name FROM system.tables WHERE endsWith(engine, 'MergeTree'))
        GROUP BY database, table ORDER BY database, table"""
    )
    for database, table, columns in rows:
        yield Table(database, table), columns


def _search_table(client: Client, request: Request, table: Table, columns: list[str]) -> Iterator[Found]:
    counts = ", ".join(
        f"countIf({_condition(request, column)}), countIf({request.contains_person(f'toString({quoted(column)})')})"
        for column in columns
    )
    [row] = client.execute(f"SELECT {counts} FROM {table.sql}")
    for column, words, parts in zip(columns, row[::2], row[1::2], strict=True):
        # Another's id may contain this one; that is nobody's business.
        inside = 0 if is_person_column(column) else parts - words
        if words or inside:
            yield Found(str(table), column, words, inside)


def _condition(request: Request, column: str) -> str:
    return request.is_person(quoted(column)) if is_person_column(column) else request.names_person(f"toString({quoted(column)})")
