"""The tables and views that migrations make are the ones that are declared, and documented."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from jobs.dictionary import view_columns
from pipelines.clickhouse import connect
from pipelines.generate import GENERATED
from pipelines.settings import Settings
from pipelines.storage import VIEWS, retention_days, set_retention, tables
from schemas.grains import Grain, grains
from schemas.storage import StorageTable

TABLES = tables()
BOOKKEEPING = "schema_versions"
ARGUMENTS = {"Date": "'2026-03-31'", "UInt16": "30"}


@pytest.fixture(scope="module")
def client(stack: Settings) -> Iterator[Client]:
    with connect(stack) as connected:
        yield connected


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_are_as_declared(client: Client, table: StorageTable) -> None:
    found = client.execute(
        "SELECT name, type, if(default_kind = '', '', concat(' ', default_kind, ' ', default_expression)), comment"
        " FROM system.columns WHERE database = currentDatabase() AND table = %(table)s ORDER BY position",
        {"table": table.name},
    )
    assert {name: kind + default for name, kind, default, _ in found} == table.columns
    comments = {name: comment for name, *_, comment in found if comment}
    assert comments == table.comments
    assert comments.keys() >= table.columns.keys() - set(table.order_by)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_is_as_declared(client: Client, stack: Settings, table: StorageTable) -> None:
    [(engine, sorting, partition, comment, definition)] = client.execute(
        "SELECT engine, sorting_key, partition_key, comment, engine_full FROM system.tables"
        " WHERE database = currentDatabase() AND name = %(table)s",
        {"table": table.name},
    )
    assert (engine, sorting, partition) == (table.engine, ", ".join(table.order_by), table.partition_by or "")
    assert comment == table.comment
    days = retention_days(stack, table)
    assert _ttl(definition) == (f"inserted_at + toIntervalDay({days})" if days else None)


def test_retention_follows_the_settings(client: Client, stack: Settings) -> None:
    def kept() -> dict[str, str | None]:
        return dict(
            (name, _ttl(definition))
            for name, definition in client.execute(
                "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"
                " AND name IN ('like_event', 'dead_letter', 'buyer_day_counters', 'room_1m_counters')"
            )
        )

    before = kept()
    changed = {"event_ttl_days": 400, "dead_letter_ttl_days": 401, "person_ttl_days": 402}
    try:
        set_retention(stack.model_copy(update=changed), client)
        assert kept() == {
            "like_event": "inserted_at + toIntervalDay(400)",
            "dead_letter": "inserted_at + toIntervalDay(401)",
            "buyer_day_counters": "inserted_at + toIntervalDay(402)",
            "room_1m_counters": None,
        }
    finally:
        set_retention(stack, client)
    assert kept() == before


def _ttl(engine: str) -> str | None:
    found = re.search(r" TTL (.+?) SETTINGS", engine)
    return found and found[1]


def test_no_other_table_keeps_data(client: Client) -> None:
    kept = client.execute("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%%MergeTree'")
    assert {name for (name,) in kept} == {table.name for table in TABLES} | {BOOKKEEPING}


def test_every_view_answers(client: Client) -> None:
    views = client.execute(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    )
    assert {name for name, _ in views} >= grains().keys() | {path.stem for path in VIEWS.glob("*.sql")}
    for name, definition in views:
        client.execute(f"SELECT * FROM {name}{_arguments(definition)} LIMIT 1")


@pytest.mark.parametrize("grain", grains().values(), ids=lambda grain: grain.name)
def test_dictionary_has_the_columns_of_the_view(client: Client, grain: Grain) -> None:
    found = {
        name: re.sub(r"^SimpleAggregateFunction\(\w+, (.+)\)$", r"\1", kind)
        for name, kind, *_ in client.execute(f"DESCRIBE {grain.name}")
    }
    assert found == {column.name: column.type for column in view_columns(grain)}
    assert [*found] == [column.name for column in view_columns(grain)]


@pytest.mark.parametrize("name", sorted(path.stem for path in VIEWS.glob("*.sql")))
def test_dictionary_has_the_columns_of_the_analysis(client: Client, name: str) -> None:
    arguments = _arguments((VIEWS / f"{name}.sql").read_text(encoding="utf-8"))
    columns = [column for column, *_ in client.execute(f"DESCRIBE (SELECT * FROM {name}{arguments})")]
    section = (GENERATED / "data_dictionary.md").read_text(encoding="utf-8").partition(f"### {name}\n")[2].partition("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == columns


def _arguments(definition: str) -> str:
    """What a view with parameters wants behind its name; empty for the others."""
    values = [f"{name} = {ARGUMENTS[kind]}" for name, kind in dict(re.findall(r"\{(\w+):(\w+)\}", definition)).items()]
    return f"({', '.join(values)})" if values else ""
