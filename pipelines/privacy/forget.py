"""Removes a person from every table, for good, and counts on without them.

A person is not cut out of the numbers: in event tables and counters of single people their id becomes a random pseudonym,
so that every counter still equals its recomputation. What they wrote, and records that were refused, are emptied.

The pseudonym follows from the id and a random number that is kept until the request is finished and then deleted. So a
request that broke off goes on with the same pseudonym (with a new one they would count as two people), and afterwards
nobody can tell whose it was.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.clickhouse import connect, in_one_line
from pipelines.errors import UserError
from pipelines.privacy.columns import PersonalColumns, Request, personal_columns
from pipelines.privacy.pseudonym import pseudonym as keyed_hash
from pipelines.privacy.search import Found, log_tables, quoted, search
from pipelines.storage import tables

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings

_PREFIX = "forget_request_"
_OLD_PARTS_SECONDS = 60
_STORED_SECONDS = 2
"""A row can be read so long after the time that it says it was stored at."""
_NO_PARTITION = "19000101"


@dataclass
class Forgotten:
    """What was done, or would be."""

    request: str
    """Random; nobody's id follows from it."""
    rows: dict[str, int] = field(default_factory=dict)
    """Table -> rows changed (`system.…`: deleted), tables with none left out."""
    found: list[Found] = field(default_factory=list)
    """Where the id still is."""

    @property
    def remains(self) -> list[Found]:
        """Where it should not be any more."""
        return [one for one in self.found if one.rows]


def forget(
    settings: Settings, user_id: str, *, dry_run: bool, sure: bool = False, progress: Callable[[str], object] = lambda _: None
) -> Forgotten:
    """Forgets a person in all of ClickHouse. Repeat it when it broke off: it goes on where it was.

    Args:
        user_id: as in the events, or before it was pseudonymised with the configured key.
        dry_run: only counts.
        sure: also where no row is this person's own, and only other people's would be changed.
        progress: told what is done next.

    Raises:
        UserError: nobody has this id, ClickHouse could not change a table, or it did not delete old files in time.
    """
    client = connect(settings)
    try:
        begun = _begun(client, user_id)
        number, salt = begun or (secrets.token_hex(16), secrets.token_hex(32))
        with _request(settings, client, _ids(settings, user_id), salt) as request:
            progress("Looking")
            columns = {table.name: personal_columns(table) for table in tables()}
            done = Forgotten(number, _affected(client, request, columns))
            if dry_run:
                done.found = search(client, request)
                return done
            if done.rows and not (sure or begun or _has_rows(client, request, columns)):
                raise _nobody(done.rows)
            if done.rows:
                _remember(client, number, salt, user_id)
            progress("Changing tables")
            _change(client, request, columns, done.rows)
            progress("Searching every table")
            done.found = search(client, request)
            _record(client, done)
            # What is called like the person, or is in tables of others, stays: no reason to keep whose pseudonym this is.
            if not _any_rows(client, _personal_rows(request, columns).values()):
                _finish(client, number)
        progress("Waiting for old files to be deleted")
        _delete_old_parts(client, [*columns])
        return done
    finally:
        client.disconnect()


def _ids(settings: Settings, user_id: str) -> list[str]:
    """What the person is called in events: the id, and its pseudonym where there is a key for those."""
    key = settings.pseudonym_key.get_secret_value()
    return [user_id, keyed_hash(key, user_id)] if key else [user_id]


# The request


def _pseudonym(salt: str, user_id: str) -> str:
    return "forgotten-" + hmac.digest(salt.encode(), user_id.encode(), hashlib.sha256).hex()[:32]


def _begun(client: Client, user_id: str) -> tuple[str, str] | None:
    """Number and salt of this person's request that was not finished: the one whose salt gives its pseudonym."""
    for number, unfinished in client.execute("SELECT request, unfinished FROM forgotten_user WHERE unfinished != ''"):
        salt, _, pseudonym = unfinished.partition(" ")
        if pseudonym == _pseudonym(salt, user_id):
            return number, salt
    return None


def _remember(client: Client, number: str, salt: str, user_id: str) -> None:
    client.execute(
        "INSERT INTO forgotten_user (request, forgotten_at, table, rows, unfinished) VALUES",
        [(number, datetime.now(UTC), "", 0, f"{salt} {_pseudonym(salt, user_id)}")],
    )


def _record(client: Client, done: Forgotten) -> None:
    """Writes down what was done."""
    now = datetime.now(UTC)
    rows = [(done.request, now, table, count) for table, count in done.rows.items()]
    if not rows and not done.remains:
        rows = [(done.request, now, "", 0)]
    client.execute("INSERT INTO forgotten_user (request, forgotten_at, table, rows) VALUES", rows)


def _finish(client: Client, number: str) -> None:
    """Deletes what the pseudonym was made with: from now on it leads nowhere."""
    begun = "request = %(request)s AND unfinished != ''"
    [(count,)] = client.execute(f"SELECT count() FROM forgotten_user WHERE {begun}", {"request": number})
    if count:
        client.execute(f"ALTER TABLE forgotten_user DELETE WHERE {begun} SETTINGS mutations_sync = 1", {"request": number})


@contextmanager
def _request(settings: Settings, client: Client, ids: list[str], salt: str) -> Iterator[Request]:
    """The table that holds whom to forget, as long as statements need it."""
    # In a database of its own: dashboards and analysts may read every table of livepulse's.
    database = f"{settings.clickhouse_database}_forgetting"
    client.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
    _drop_left_over(client, database)
    name = _PREFIX + secrets.token_hex(8)
    table = f"{database}.{name}"
    client.execute(f"CREATE TABLE {table} (number UInt8, id String, pseudonym String, part String, word String) ENGINE = Memory")
    try:
        rows = [(number, one, _pseudonym(salt, one), _part(one), _word(one)) for number, one in enumerate(ids)]
        client.execute(f"INSERT INTO {table} VALUES", rows)
        yield Request(table, name, len(ids))
    finally:
        # On a connection of its own: that one may hang in the statement that broke off.
        with connect(settings) as other:
            # A mutation without its table would be tried again and again.
            other.execute(
                f"KILL MUTATION WHERE position(command, '{name}') > 0 AND NOT is_done AND database IN (currentDatabase(), 'system')"
            )
            other.execute(f"DROP TABLE IF EXISTS {table} SYNC")


def _part(user_id: str) -> str:
    """The pattern that finds an id, also as JSON in ASCII has it."""
    return "|".join(re.escape(one) for one in {user_id, json.dumps(user_id)[1:-1]})


def _word(user_id: str) -> str:
    return f"(^|[^0-9A-Za-z])(?:{_part(user_id)})([^0-9A-Za-z]|$)"


def _drop_left_over(client: Client, database: str) -> None:
    """Those of commands that were killed: nothing takes an hour."""
    names = client.execute(
        "SELECT name FROM system.tables WHERE database = %(database)s AND metadata_modification_time < now() - 3600",
        {"database": database},
    )
    for (name,) in names:
        client.execute(f"DROP TABLE IF EXISTS {database}.{name} SYNC")


# Changing


def _affected(client: Client, request: Request, columns: dict[str, PersonalColumns]) -> dict[str, int]:
    """Table -> rows that are to be changed."""
    rows = _personal_rows(request, columns)
    rows |= {str(log): f"{log.sql} WHERE {_any_text(request, texts)}" for log, texts in log_tables(client).items()}
    counted = {table: client.execute(f"SELECT count() FROM {those}")[0][0] for table, those in rows.items()}
    return {table: count for table, count in counted.items() if count}


def _personal_rows(request: Request, columns: dict[str, PersonalColumns]) -> dict[str, str]:
    """Table of livepulse's -> it, and the condition under which a row is changed."""
    return {table: f"{table} WHERE {condition}" for table, found in columns.items() if (condition := found.affected(request))}


def _has_rows(client: Client, request: Request, columns: dict[str, PersonalColumns]) -> bool:
    """Whether a row is this person's own."""
    own = {table: " OR ".join(map(request.is_person, found.person)) for table, found in columns.items() if found.person}
    return _any_rows(client, (f"{table} WHERE {condition}" for table, condition in own.items()))


def _any_rows(client: Client, those: Iterable[str]) -> bool:
    return any(client.execute(f"SELECT count() FROM {rows}")[0][0] for rows in those)


def _nobody(rows: dict[str, int]) -> UserError:
    # A room's name, for example, is a word in the ids of its broadcasts.
    where = ", ".join(f"{table} {count:,}" for table, count in rows.items())
    return UserError(
        f"Nobody has this id. It would be taken out of other people's rows for good, and their dead letters emptied: {where}.",
        "If it is a person's all the same: --yes. What would be changed: --dry-run.",
        exit_code=2,
    )


def _change(client: Client, request: Request, columns: dict[str, PersonalColumns], affected: dict[str, int]) -> None:
    logs = {
        str(log): f"ALTER TABLE {log.sql} DELETE WHERE {_any_text(request, texts)}" for log, texts in log_tables(client).items()
    }
    [(until,)] = client.execute("SELECT now('UTC')")
    if any(table in columns and columns[table].person_is_key for table in affected):
        time.sleep(_STORED_SECONDS)
    for table in affected:
        for statement in columns[table].forget_sql(request, until) if table in columns else [logs[table]]:
            client.execute(statement)
    while waiting := client.execute(
        f"SELECT table, latest_fail_reason FROM system.mutations WHERE position(command, '{request.name}') > 0 AND NOT is_done"
    ):
        for table, reason in waiting:
            if reason:
                raise UserError(
                    f"ClickHouse cannot change {table}: {in_one_line(reason)}", "Put that right, then run the command again."
                )
        time.sleep(0.1)


def _any_text(request: Request, columns: list[str]) -> str:
    return " OR ".join(request.names_person(f"toString({quoted(column)})") for column in columns)


def _delete_old_parts(client: Client, names: list[str]) -> None:
    """Has ClickHouse delete now what it keeps for eight minutes: the files from before the change."""
    [(changed,)] = client.execute("SELECT now()")
    deadline = time.monotonic() + _OLD_PARTS_SECONDS
    try:
        for name in names:
            client.execute(f"ALTER TABLE {name} MODIFY SETTING old_parts_lifetime = 0")
        while old := client.execute(
            """SELECT table, count() FROM system.parts WHERE database = currentDatabase() AND table IN %(names)s AND NOT active
            AND rows > 0 AND remove_time <= %(changed)s GROUP BY table""",
            {"names": names, "changed": changed},
        ):
            if time.monotonic() > deadline:
                what = ", ".join(f"{count} of {table}" for table, count in old)
                hint = "A long query may still read them. Run the command again: it only deletes them then."
                raise UserError(f"Files from before are still there after {_OLD_PARTS_SECONDS} s: {what}.", hint)
            for table, _ in old:
                # ClickHouse looks for old files only now and then, in a quiet table after minutes; but always after this, which
                # drops nothing: no partition, by day or by month, is called so.
                client.execute(f"ALTER TABLE {table} DROP PARTITION ID '{_NO_PARTITION}'")
            time.sleep(0.5)
    finally:
        for name in names:
            client.execute(f"ALTER TABLE {name} RESET SETTING old_parts_lifetime")
