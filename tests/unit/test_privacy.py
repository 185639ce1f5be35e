"""Pseudonyms, and which columns forgetting a person covers."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.privacy.columns import Request, personal_columns
from pipelines.privacy.pseudonym import pseudonym, pseudonymised
from pipelines.privacy.search import search
from pipelines.recording import Record
from pipelines.replay import Replay
from pipelines.settings import Settings
from pipelines.storage import retention_days, tables
from schemas.events.base import MAX_ID_LENGTH
from schemas.storage import StorageTable
from tests.recordings import write

KEY = "0123456789abcdef"


def test_another_program_makes_the_same_pseudonym() -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", KEY, "-binary"]
    digest = subprocess.run(command, input="u-é".encode(), capture_output=True, check=True).stdout
    assert pseudonym(KEY, "u-é") == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert len(pseudonym(KEY, "u" * MAX_ID_LENGTH)) == 43 <= MAX_ID_LENGTH
    assert pseudonym(KEY, "a") != pseudonym(KEY + "x", "a") != pseudonym(KEY, "b")


def order(user: object, key: str | None = "u1") -> Record:
    return Record(
        "order", key, 1_772_380_680_000, orjson.dumps({"event_time": 1_772_380_680_000, "user_id": user, "order_id": "u1"})
    )


def test_replay_sends_pseudonyms(tmp_path: Path) -> None:
    sent: list[Record] = []

    class Target:
        failed = 0

        def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
            sent.append(Record(topic, key, timestamp_ms, value))

        def poll(self) -> None: ...
        def flush(self) -> None: ...

    like = Record("like", "room", 1_772_380_680_000, orjson.dumps({"user_id": "u1"}))
    write(tmp_path / "x.jsonl", [order("u1"), like])
    Replay([tmp_path / "x.jsonl"], Target(), speed=float("inf"), pseudonym_key=KEY).run()
    name = pseudonym(KEY, "u1")
    assert [record.key for record in sent] == [name, "room"]  # copies of one order still meet in one partition
    assert [orjson.loads(record.value)["user_id"] for record in sent] == [name, name]
    assert orjson.loads(sent[0].value)["order_id"] == "u1"  # only the user's id is known to be one


@pytest.mark.parametrize(
    "record", [order(5), order(None), Record("like", None, 0, b'{"user_id":"u1"'), Record("like", None, 0, b"[]")]
)
def test_what_names_no_user_keeps_its_bytes(record: Record) -> None:
    assert pseudonymised(record, KEY) == record


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 16"):
        Settings.model_validate({"pseudonym_key": "secret"})


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_every_column_of_users_is_covered(table: StorageTable) -> None:
    assert personal_columns(table).person == (("user_id",) if "user_id" in table.columns else ())


def test_a_new_table_is_covered_as_it_is() -> None:
    columns = {
        "user_id": "String",
        "gift_to": "String",
        "room_id": "String",
        "raw": "String",
        "day": "Date",
        "kind": "LowCardinality(String)",
    }
    table = StorageTable("gift_event", "", columns, {}, "ReplacingMergeTree", ("room_id", "day"))
    found = personal_columns(table)
    assert (found.person, found.person_is_key, found.raw, found.other) == (("user_id",), False, ("raw",), ("gift_to",))
    request = Request("db.r", "r", 2)
    until = datetime(2026, 3, 4, tzinfo=UTC)
    [update] = found.forget_sql(request, until)
    assert all(f"{column} = " in update for column in ("user_id", "gift_to", "raw"))
    assert not any(f"{column} = " in update for column in ("room_id", "day", "kind"))
    keyed = personal_columns(StorageTable("t", "", columns, {}, "AggregatingMergeTree", ("user_id",)))
    insert, delete = keyed.forget_sql(request, until)
    assert insert.startswith("INSERT INTO t ") and delete.startswith("ALTER TABLE t DELETE ")


class Server:
    """Answers as ClickHouse that has these tables with these columns of text, each with the id in one row."""

    def __init__(self, tables: dict[tuple[str, str], list[str]]) -> None:
        self._tables = tables
        self.asked: list[str] = []

    def execute(self, sql: str, *_: object) -> list[tuple[object, ...]]:
        if "groupArray(name) FROM system.columns" in sql:
            return [(*table, columns) for table, columns in self._tables.items()]
        self.asked.append(sql.partition(" FROM ")[0] + " … " + sql.rpartition(" FROM ")[2])
        return [(1, 1)]


def test_tables_of_others_are_searched_whatever_they_are_called() -> None:
    server = Server({("livepulse", ".inner_id.4f-9"): ["no`te"], ("system", "query_log"): ["query"]})
    found = search(cast(Any, server), Request("livepulse.r", "r", 1))
    assert [one.rpartition(" … ")[2] for one in server.asked] == ["`livepulse`.`.inner_id.4f-9`", "`system`.`query_log`"]
    assert "toString(`no\\`te`)" in server.asked[0]
    assert [(one.table, one.column) for one in found] == [(".inner_id.4f-9", "no`te"), ("system.query_log", "query")]


def test_retention_is_by_what_a_table_holds() -> None:
    settings = Settings.model_validate({"event_ttl_days": 7, "dead_letter_ttl_days": 3, "person_ttl_days": 100})
    days = {table.name: retention_days(settings, table) for table in tables()}
    assert (days["comment_event"], days["dead_letter"], days["buyer_day_counters"], days["flink_metric"]) == (7, 3, 100, 7)
    assert days["room_1m_counters"] is days["verify_result"] is days["forgotten_user"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [(b"", "1 to 64 characters"), (b"\n", "1 to 64 characters"), (b"u" * 65, "1 to 64 characters"), (b"\xff", "not UTF-8")],
)
def test_an_impossible_id_is_refused(given: bytes, said: str) -> None:
    done = CliRunner().invoke(app, ["forget-user", "-"], input=given)
    assert done.exit_code != 0
    assert said in str(getattr(done.exception, "message", done.output))
