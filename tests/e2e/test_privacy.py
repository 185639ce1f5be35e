"""A person is forgotten: no search of ClickHouse's files finds them, and every number stays."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from pipelines.clickhouse import connect
from pipelines.errors import UserError
from pipelines.privacy.columns import personal_columns
from pipelines.privacy.forget import _request, forget
from pipelines.privacy.pseudonym import pseudonym
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.stack.layout import Layout
from pipelines.storage import tables as stored_tables
from schemas.events import EVENTS
from schemas.topics import topics
from tests.conftest import Cli
from tests.e2e.pipeline import await_verified, new_prefix, query, send, wait_for
from tests.judge.clickhouse import read_tables
from tests.judge.strategies import VALID_FIELDS
from tests.judge.tables import Tables
from tests.panels.database import database as own_database

KEY = "only of these tests, and long enough"


@dataclass(frozen=True)
class People:
    """Who there is in a test: one is to be forgotten."""

    prefix: str

    @property
    def gone(self) -> str:
        return f"{self.prefix}gone-é-7"

    @property
    def gone_pseudonym(self) -> str:
        return pseudonym(KEY, self.gone)

    @property
    def stays(self) -> str:
        return f"{self.prefix}stays"

    @property
    def longer(self) -> str:
        """Somebody else, whose id contains the one that is forgotten."""
        return f"{self.gone}1"

    @property
    def traces(self) -> list[bytes]:
        """What a search looks for: the id, as JSON in ASCII has it, and its keyed hash."""
        # In a file, the id that contains this one is none of its traces: it is followed by a 1.
        return [self.gone.encode(), json.dumps(self.gone)[1:-1].encode(), self.gone_pseudonym.encode()]


def event(people: People, topic: str, user: str, number: str, **fields: object) -> Record:
    """A valid event of now, in the test's own room and group."""
    now = int(time.time() * 1_000)
    made: dict[str, Any] = {name: orjson.loads(text) for name, text in VALID_FIELDS[topic].items()}
    made |= {"event_id": f"{people.prefix}{number}", "event_time": now, "user_id": user, "room_id": f"{people.prefix}room"}
    made |= {"order_id": f"{people.prefix}{number}"} if topic == "order" else {}
    made |= {"group_id": f"{people.prefix}group"} if topic == "group_message" else {}
    made |= fields
    return Record(topic, str(made[topics()[topic].key]), now, orjson.dumps(made))


def life_of(people: People) -> list[Record]:
    """Everything that the one who is forgotten did, under the id and under its hash; and what others did with them."""
    gone, stays, prefix = people.gone, people.stays, people.prefix
    found = []
    for topic in sorted(EVENTS):
        for user in (gone, people.gone_pseudonym, stays, people.longer):
            found.append(event(people, topic, user, f"{topic[:5]}_{user}"))
    mine = event(people, "comment", gone, "c", event_id=f"c-{gone}-1", text=f"I am {gone}, {gone} it is")
    found += [mine, mine]  # delivered twice: counts once, before and after
    found.append(event(people, "comment", stays, "c", event_id=f"{prefix}answer", reply_to=f"c-{gone}-1", text=f"@{gone} welcome!"))
    for status in ("created", "paid"):
        found.append(event(people, "order", gone, status, event_id=f"{status}_{gone}", order_id=f"o_{gone}_2", status=status))
    broken = event(people, "comment", gone, "broken")
    found.append(broken._replace(value=broken.value[:-1]))
    found.append(broken._replace(value=json.dumps(json.loads(broken.value) | {"text": 5}).encode()))
    found.append(event(people, "comment", stays, "broken-other", text=5))
    return found


@pytest.fixture(scope="module")
def people(stack: Settings, cli: Cli) -> People:
    """People whose events are all stored and counted."""
    found = People(new_prefix())
    arrive(stack, cli, life_of(found))
    return found


def arrive(stack: Settings, cli: Cli, records: list[Record]) -> None:
    """Sends records and waits until they are stored, and counted as a recomputation says."""
    before = stored(stack)
    send(stack, records)
    wait_for(lambda: stored(stack) >= before + len(records), "every record in a table")
    await_verified(cli)


def stored(stack: Settings) -> int:
    tables = [*(f"{topic}_event" for topic in EVENTS), "dead_letter"]
    [(count,)] = query(stack, "SELECT " + " + ".join(f"(SELECT count() FROM {table} FINAL)" for table in tables))
    return int(count)


def run_forget_user(environment: dict[str, str], user: str, *options: str) -> subprocess.CompletedProcess[str]:
    """`livepulse forget-user`, with the id on standard input."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("livepulse")), "forget-user", "-", *options],
        env=environment | {"LIVEPULSE_PSEUDONYM_KEY": KEY},
        input=f"{user}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def counters(stack: Settings, people: People) -> Tables:
    with connect(stack) as client:
        return read_tables(client, stack.clickhouse_database, rooms=people.prefix, groups=people.prefix)


# Searching, in ways that share nothing with the command's


def in_rows(stack: Settings, people: People) -> list[str]:
    """`table.column` wherever one of the traces is, in every column of whatever type of every table on disk."""
    columns = query(
        stack,
        "SELECT database, table, groupArray(name) FROM system.columns WHERE (database, table) IN"
        " (SELECT database, name FROM system.tables WHERE endsWith(engine, 'MergeTree')) GROUP BY database, table",
    )
    found = []
    for database, table, names in columns:
        # Behind the id there may be a 1: that is somebody else's.
        texts = [f"ifNull(toString(`{name}`), '')" for name in names]
        hits = ", ".join(
            f"sum(arraySum(n -> countSubstrings({text}, n) - countSubstrings({text}, concat(n, '1')), %(n)s))" for text in texts
        )
        [counts] = query(stack, f"SELECT {hits} FROM `{database}`.`{table}`", n=[trace.decode() for trace in people.traces])
        found += [f"{table}.{name}" for name, count in zip(names, counts, strict=True) if count]
    return found


def in_files(stack: Settings, people: People) -> list[str]:
    """Files of the data folder that hold one of the traces, as they are or when their blocks are decompressed."""
    folder = Layout.of(stack).clickhouse_data
    found = []
    for path in folder.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # merged away meanwhile
            continue
        for text in (content, b"".join(blocks(content))):
            found += [f"{path.relative_to(folder)}" for trace in people.traces if text.count(trace) > text.count(trace + b"1")]
    return found


def blocks(content: bytes) -> Iterator[bytes]:
    """What the compressed blocks of a file of a part hold: checksum, method, two sizes, data."""
    codecs = {0x82: "lz4_raw", 0x90: "zstd"}
    at = 0
    while at + 25 <= len(content):
        method, size, unpacked = content[at + 16], *(int.from_bytes(content[at + i : at + i + 4], "little") for i in (17, 21))
        if method not in codecs or size < 9 or at + 16 + size > len(content) or unpacked > 1 << 30:
            return  # a file of another kind, searched as it is
        try:
            yield pa.Codec(codecs[method]).decompress(content[at + 25 : at + 16 + size], unpacked, asbytes=True)
        except (OSError, pa.ArrowInvalid):
            return
        at += 16 + size


# The tests, in this order


def test_a_dry_run_says_what_there_is_and_changes_nothing(people: People, stack: Settings, stack_env: dict[str, str]) -> None:
    before = in_rows(stack, people)
    assert set(before) >= {f"{topic}_event.user_id" for topic in EVENTS} | {"dead_letter.raw", "buyer_day_counters.user_id"}
    assert set(before) >= {"comment_event.text", "comment_event.event_id", "comment_event.reply_to", "order_event.order_id"}
    done = run_forget_user(stack_env, people.gone, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rows"].keys() == {name.partition(".")[0] for name in before}
    assert said["rows"]["comment_event"] == 5  # two that are in every topic, the comment twice, the answer
    assert said["rows"]["dead_letter"] == 2
    assert in_rows(stack, people) == before


def test_nothing_of_them_is_left(people: People, stack: Settings, stack_env: dict[str, str], cli: Cli) -> None:
    assert in_files(stack, people), "the search finds them while they are there"
    before = counters(stack, people)
    others = rows_of_others(stack, people)
    [(forgotten,)] = query(stack, "SELECT uniqExact(request) FROM forgotten_user")

    done = run_forget_user(stack_env, people.gone, "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert people.gone not in done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["remains"] == []
    assert in_rows(stack, people) == []
    assert in_files(stack, people) == []
    for table in ("mutations", "tables", "errors", "parts"):
        shown = repr(query(stack, f"SELECT toString(tuple(*)) FROM system.{table}"))
        assert not [trace for trace in people.traces if trace.decode() in shown], table
    assert rows_of_others(stack, people) == others
    after = counters(stack, people)
    buyers_before, buyers = before.pop("buyer_day"), after.pop("buyer_day")
    assert after == before
    assert sorted(map(repr, buyers.values())) == sorted(map(repr, buyers_before.values()))
    assert {user for _, user, _ in buyers if not str(user).startswith("forgotten-")} == {people.stays, people.longer}
    recorded = query(stack, "SELECT table, rows, unfinished FROM forgotten_user WHERE request = %(r)s", r=said["request"])
    assert {table: rows for table, rows, _ in recorded} == said["rows"]
    assert {unfinished for *_, unfinished in recorded} == {""}
    assert query(stack, "SELECT uniqExact(request) FROM forgotten_user") == [(forgotten + 1,)]


OWN = "room_id = %(r)s"


def room(people: People) -> str:
    return f"{people.prefix}room"


def rows_of_others(stack: Settings, people: People) -> list[Any]:
    """What the others did, all columns, but for the answer that named the person."""
    where = f"{OWN} AND user_id IN %(users)s AND event_id != %(answer)s"
    given = {"r": room(people), "users": [people.stays, people.longer], "answer": f"{people.prefix}answer"}
    found = [query(stack, f"SELECT * FROM {topic}_event FINAL WHERE {where} ORDER BY ALL", **given) for topic in sorted(EVENTS)]
    assert all(found)
    dead = "SELECT raw FROM dead_letter FINAL WHERE position(raw, %(p)s) > 0 AND position(raw, %(user)s) > 0 ORDER BY ALL"
    return [*found, query(stack, dead, p=people.prefix, user=people.stays)]


def test_links_and_records_stay(people: People, stack: Settings, cli: Cli) -> None:
    [(reply_to, text)] = query(
        stack, "SELECT reply_to, text FROM comment_event FINAL WHERE event_id = %(e)s", e=f"{people.prefix}answer"
    )
    [(answered, its_text)] = query(stack, "SELECT DISTINCT event_id, text FROM comment_event WHERE event_id = %(e)s", e=reply_to)
    assert answered.startswith("c-forgotten-")
    assert text == f"@{answered.removeprefix('c-').removesuffix('-1')} welcome!"
    assert its_text == ""
    done = cli("verify", "--json", "--settle", "0")
    assert done.returncode == 0, done.stdout  # every offset is still there, and every counter as recomputed


def test_once_more_there_is_nothing(people: People, stack_env: dict[str, str]) -> None:
    done = run_forget_user(stack_env, people.gone)
    assert done.returncode == 0, done.stderr
    assert "There was nothing to forget" in done.stdout
    assert "Kafka topic order" in done.stdout
    assert "no end by itself" in done.stdout  # the session's topics are kept for ever


def test_what_a_broken_off_request_left_gets_the_same_pseudonym(stack: Settings, cli: Cli) -> None:
    someone = People(new_prefix())
    arrive(stack, cli, [event(someone, "comment", someone.gone, "first")])

    def break_off(what: str) -> None:
        if what.startswith("Searching"):
            request = query(stack, "SELECT DISTINCT database FROM system.tables WHERE startsWith(name, 'forget_request_')")
            assert request == [(f"{stack.clickhouse_database}_forgetting",)], "analysts may read all of livepulse's own"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forget(stack, someone.gone, dry_run=False, progress=break_off)
    [(name,)] = query(stack, f"SELECT user_id FROM comment_event FINAL WHERE {OWN}", r=room(someone))
    assert name.startswith("forgotten-")
    unfinished = "SELECT count() FROM forgotten_user WHERE unfinished != ''"
    assert query(stack, unfinished) == [(1,)]

    send(stack, [event(someone, "comment", someone.gone, "second")])
    names = f"SELECT DISTINCT user_id FROM comment_event FINAL WHERE {OWN}"
    wait_for(lambda: len(query(stack, names, r=room(someone))) == 2, "the second comment")
    done = forget(stack, someone.gone, dry_run=False)
    assert done.remains == []
    assert query(stack, names, r=room(someone)) == [(name,)]
    assert query(stack, unfinished) == [(0,)]
    await_verified(cli)  # in both comments it was one person


def test_what_is_not_ours_is_searched_and_named(stack: Settings, stack_env: dict[str, str]) -> None:
    user, table = f"{new_prefix()}x", f"not_ours_{new_prefix()[:-1]}"
    query(stack, f"CREATE TABLE {table} (notes Array(String)) ENGINE = MergeTree ORDER BY tuple()")
    try:
        query(stack, f"INSERT INTO {table} SELECT [%(note)s]", note=f"call {user} back")
        done = run_forget_user(stack_env, user, "--json")
        assert done.returncode == 1, done.stdout
        assert json.loads(done.stdout)["remains"] == [{"table": table, "column": "notes", "rows": 1}]
    finally:
        query(stack, f"DROP TABLE {table} SYNC")


def test_a_request_is_finished_where_only_others_tables_have_the_person(stack: Settings) -> None:
    user, table = f"{new_prefix()}x", f"not_ours_{new_prefix()[:-1]}"
    with own_database(stack) as rows:
        rows.put("comment_event", event_id="c", user_id=user, room_id="r", text="hello")
        rows.client.execute(f"CREATE TABLE {table} (notes String) ENGINE = MergeTree ORDER BY tuple()")
        rows.put(table, notes=f"call {user} back")
        done = forget(rows.settings, user, dry_run=False)
        assert [(found.table, found.column) for found in done.remains] == [(table, "notes")]
        assert rows.client.execute("SELECT count() FROM forgotten_user WHERE unfinished != ''") == [(0,)]


def test_what_is_nobodys_id_is_not_taken_out_of_other_peoples_rows(stack: Settings) -> None:
    with own_database(stack) as rows:
        rows.put("comment_event", event_id="c", user_id="ann", room_id="lounge", stream_id="lounge-20260301", text="hello")
        rows.put("dead_letter", reason="wrong_type", _topic="comment", raw='{"room_id": "lounge"}')
        with pytest.raises(UserError, match=r"Nobody has this id.*comment_event 1, dead_letter 1") as caught:
            forget(rows.settings, "lounge", dry_run=False)
        assert caught.value.exit_code == 2
        assert rows.client.execute("SELECT stream_id FROM comment_event") == [("lounge-20260301",)]
        assert rows.client.execute("SELECT count() FROM forgotten_user") == [(0,)]
        done = forget(rows.settings, "lounge", dry_run=False, sure=True)
        assert done.rows == {"comment_event": 1, "dead_letter": 1}


def test_what_is_counted_meanwhile_is_not_lost(stack: Settings) -> None:
    with own_database(stack) as rows:

        def counted_at(moment: datetime, orders: int) -> None:
            ids = {"room_id": "r", "user_id": "ann", "day": moment.date()}
            rows.put("buyer_day_counters", **ids, orders_paid=orders, inserted_at=moment)

        until = datetime(2026, 3, 4, 12, tzinfo=UTC)
        counted_at(until, 1)
        [table] = [one for one in stored_tables() if one.name == "buyer_day_counters"]
        with _request(rows.settings, rows.client, ["ann"], "salt") as request:
            insert, delete = personal_columns(table).forget_sql(request, until)
            rows.client.execute(insert)
            counted_at(until + timedelta(seconds=1), 2)
            rows.client.execute(f"{delete} SETTINGS mutations_sync = 1")
        left = dict(rows.client.execute("SELECT user_id, max(orders_paid) FROM buyer_day_counters GROUP BY user_id"))
        assert left.pop("ann") == 2
        assert [*left.values()] == [1]
