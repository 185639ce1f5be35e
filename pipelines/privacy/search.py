"""Looking for a person in every text of every table, whoever made it: what forgetting is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.privacy.columns import Request, is_person_column

if TYPE_CHECKING:
    from clickhouse_driver import Client


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


def log_tables(client: Client) -> dict[str, list[str]]:
    """The server's own log tables, where it keeps any, and their columns with text."""
    return {table: columns for table, columns in _texts(client) if table.startswith("system.")}


def _texts(client: Client) -> Iterator[tuple[str, list[str]]]:
    rows = client.execute(
        """SELECT if(database = 'system', concat('system.', table), table), groupArray(name) FROM system.columns
        WHERE database IN (currentDatabase(), 'system') AND position(type, 'String') > 0
          AND (database, table) IN (SELECT database, name FROM system.tables WHERE endsWith(engine, 'MergeTree'))
        GROUP BY database, table ORDER BY database, table"""
    )
    yield from rows


def _search_table(client: Client, request: Request, table: str, columns: list[str]) -> Iterator[Found]:
    source = ".".join(f"`{part}`" for part in table.split(".", 1))
    counts = ", ".join(
        f"countIf({_condition(request, column)}), countIf({request.contains_person(f'toString(`{column}`)')})" for column in columns
    )
    [row] = client.execute(f"SELECT {counts} FROM {source}")
    for column, words, parts in zip(columns, row[::2], row[1::2], strict=True):
        # Another's id may contain this one; that is nobody's business.
        inside = 0 if is_person_column(column) else parts - words
        if words or inside:
            yield Found(table, column, words, inside)


def _condition(request: Request, column: str) -> str:
    return request.is_person(f"`{column}`") if is_person_column(column) else request.names_person(f"toString(`{column}`)")
