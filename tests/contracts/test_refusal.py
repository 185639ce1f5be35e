"""SQL that Flink refuses is refused before anything runs, with the statement, the line and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.errors import UserError
from pipelines.flink.application import compile_plan, define, flink_options, open_environment
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

TABLE = """CREATE TEMPORARY TABLE act (
  kind STRING, broadcast_id STRING, event_time BIGINT, room_id STRING, user_id STRING, item STRING, number INT
) WITH ('connector' = 'datagen')"""
SINK = "CREATE TEMPORARY TABLE kinds (kind STRING, acts BIGINT) WITH ('connector' = 'blackhole')"
CALL = "kind, broadcast_id, event_time, user_id"


@pytest.fixture(scope="module")
def flink(stack: Settings) -> TableEnvironment:
    environment = open_environment(flink_options(stack, "refused"))
    define(environment, [TABLE, SINK])
    return environment


def refusal(flink: TableEnvironment, definitions: list[str], inserts: list[str]) -> UserError:
    with pytest.raises(UserError) as refused:
        define(flink, definitions)
        compile_plan(flink, inserts)
    return refused.value


def test_a_view_shows_the_line(flink: TableEnvironment) -> None:
    refused = refusal(flink, ["CREATE TEMPORARY VIEW wrong AS\nSELECT\n  kind,\n  pice AS price\nFROM act"], [])
    assert refused.message == "Flink refuses view wrong: Column 'pice' not found in any table"
    assert refused.hint == "  pice AS price\n  ^^^^"


def test_an_insert_shows_the_line(flink: TableEnvironment) -> None:
    refused = refusal(flink, [], ["INSERT INTO kinds\nSELECT kind, COUNT(*)\nFROM act"])
    assert refused.message == "Flink refuses INSERT INTO kinds: Expression 'kind' is not being grouped"
    assert refused.hint == "SELECT kind, COUNT(*)\n       ^^^^"


def test_what_cannot_be_parsed_shows_the_line(flink: TableEnvironment) -> None:
    refused = refusal(flink, ["CREATE TEMPORARY VIEW wrong AS\nSELECT kind\nFORM act"], [])
    assert refused.message == 'Flink refuses view wrong: Encountered "act".'
    assert refused.hint == "FORM act\n     ^"


def test_rows_that_do_not_fit_their_sink_are_told(flink: TableEnvironment) -> None:
    refused = refusal(flink, [], ["INSERT INTO kinds\nSELECT room_id, kind\nFROM act"])
    assert "Incompatible types for sink column 'acts' at position 2" in refused.message


def test_a_table_is_not_shown(flink: TableEnvironment) -> None:
    refused = refusal(flink, ["CREATE TEMPORARY TABLE wrong (kind TEXT) WITH ('connector' = 'print', 'password' = 'hidden')"], [])
    assert refused.message.startswith("Flink refuses CREATE TEMPORARY TABLE wrong: ")
    assert "hidden" not in f"{refused.message}{refused.hint}"


@pytest.mark.parametrize(
    ("columns", "user", "kinds", "why"),
    [
        (CALL, "user_id", "'a, a'", "kinds name 'a' twice"),
        (CALL, "user_id", "'1,2,3,4,5,6,7,8,9'", "there may be 8 kinds, not 9"),
        (CALL, "user_id", "CAST(RAND() AS STRING)", "kinds is a literal"),
        (f"{CALL}, number", "number", "'a'", "number must be a text, not INT"),
        ("kind, broadcast_id, user_id", "user_id", "'a'", "a column event_time is needed"),
        (f"{CALL}, number AS item", "user_id", "'a'", "item must be a text, not INT"),
        ("kind, broadcast_id, number AS event_time, user_id", "user_id", "'a'", "event_time is a BIGINT of milliseconds, not INT"),
    ],
    ids=lambda value: value if " " in value and "," not in value else "",
)
def test_a_call_of_novelty_that_it_could_not_answer(flink: TableEnvironment, columns: str, user: str, kinds: str, why: str) -> None:
    flink.drop_temporary_view("given")
    given = f"CREATE TEMPORARY VIEW given AS SELECT {columns} FROM act"
    call = f"novelty(input => TABLE given PARTITION BY ({user}), kinds => {kinds}, uid => 'u')"
    refused = refusal(flink, [given, f"CREATE TEMPORARY VIEW wrong AS SELECT * FROM {call}"], [])
    assert refused.message.startswith("Flink refuses view wrong: ") and why in refused.message


def test_a_call_of_novelty_that_it_answers(flink: TableEnvironment) -> None:
    call = "novelty(input => TABLE act PARTITION BY (room_id, user_id), kinds => '1,2,3,4,5,6,7,8', uid => 'u')"
    define(flink, [f"CREATE TEMPORARY VIEW right AS SELECT * FROM {call}"])
    compile_plan(flink, ["INSERT INTO kinds\nSELECT kind, COUNT(*) FILTER (WHERE user_new_in_1m)\nFROM `right`\nGROUP BY kind"])
