"""Who may do what in ClickHouse, tried on a real one with the users of `deploy/compose`; and the same as SQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from pipelines import compose
from pipelines.settings import Settings
from pipelines.stack import components
from pipelines.stack.layout import Layout
from pipelines.stack.roles import password_variable, roles, sql
from pipelines.stack.site import fill
from schemas.storage import dead_letter_table, flink_metric_table
from tests.conftest import free_port
from tests.e2e.pipeline import wait_for

PASSWORDS = {password_variable(name): f"a password of {name}" for name in roles()}


@dataclass(frozen=True)
class Server:
    """A ClickHouse with the users of the containers."""

    url: str

    def ask(self, sql: str, role: str, password: str | None = None, **settings: str) -> httpx.Response:
        """The answer to the user of a role; with its own password unless another is given."""
        user = "livepulse" if role == "admin" else role
        known = PASSWORDS.get(password_variable(role), "")
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": known if password is None else password}
        return httpx.post(self.url, content=sql, headers=headers, params={"database": "livepulse", **settings})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("clickhouse")
    native, http = free_port(), free_port()
    program = components.clickhouse_program()
    site = replace(
        compose.SITE,
        listens="127.0.0.1",
        clickhouse_data=str(folder),
        clickhouse_users_file=str(folder / "users.xml"),
        clickhouse_port=native,
        clickhouse_http_port=http,
        clickhouse_as_library=program is None,
        clickhouse_needs_default=program is None,
    )
    for name in ("config.xml", "users.xml"):
        (folder / name).write_text(fill(f"clickhouse/{name}", site, compose.SETTINGS))
    if program is None:
        library = components.clickhouse_library(Layout.of(Settings()))
        command = [sys.executable, "-m", "pipelines.stack.clickhouse_engine", str(library), str(folder / "config.xml")]
    else:
        command = [program, "server", "--config-file", str(folder / "config.xml")]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, env=os.environ | PASSWORDS, stdout=log, stderr=log)
    try:
        found = Server(f"http://127.0.0.1:{http}/")

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                return httpx.get(f"{found.url}ping").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(answers, "ClickHouse", 60)
        tables = [dead_letter_table().create_sql(), flink_metric_table().create_sql()]
        rows = "INSERT INTO dead_letter (reason, raw, _offset) SELECT 'malformed_json', 'what was said', number FROM numbers(7)"
        for statement in ("CREATE DATABASE livepulse", *tables, rows):
            made = found.ask(statement, "admin", database="livepulse" if "DATABASE" not in statement else "default")
            assert made.status_code == 200, made.text
        yield found
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def refused(answer: httpx.Response) -> str:
    """What ClickHouse says against it; fails when it did what was asked."""
    assert answer.status_code >= 400, answer.text
    found = re.findall(r"\(([A-Z_]+)\)", answer.text)
    assert found, answer.text
    return str(found[-1])


WRITING = (
    "INSERT INTO dead_letter (reason) VALUES ('x')",
    "DROP TABLE dead_letter",
    "TRUNCATE TABLE dead_letter",
    "CREATE TABLE u (x UInt8) ORDER BY x",
    "CREATE VIEW v AS SELECT 1",
    "ALTER TABLE dead_letter DELETE WHERE 1",
    "CREATE USER other",
    "GRANT ALL ON *.* TO dashboards",
    "SYSTEM SHUTDOWN",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
)


@pytest.mark.parametrize("role", ["dashboards", "analyst"])
def test_readers_read(server: Server, role: str) -> None:
    assert server.ask("SELECT count() FROM dead_letter", role).text == "7\n"
    # As Grafana's data source does.
    assert server.ask("SELECT count() FROM dead_letter", role, max_execution_time="4").text == "7\n"


@pytest.mark.parametrize("role", ["dashboards", "analyst"])
@pytest.mark.parametrize("statement", WRITING)
def test_readers_do_nothing_else(server: Server, role: str, statement: str) -> None:
    assert refused(server.ask(statement, role)) in ("ACCESS_DENIED", "READONLY")


@pytest.mark.parametrize("role", ["dashboards", "analyst"])
@pytest.mark.parametrize(
    "statement", ["SELECT raw FROM dead_letter", "SELECT * FROM dead_letter", "SELECT 1 FROM dead_letter WHERE raw LIKE '%said%'"]
)
def test_readers_do_not_see_whole_records(server: Server, role: str, statement: str) -> None:
    assert refused(server.ask(statement, role)) == "ACCESS_DENIED"


@pytest.mark.parametrize(("role", "setting"), [(role.name, setting) for role in roles().values() for setting in role.limits])
def test_no_limit_can_be_raised_or_taken_away(server: Server, role: str, setting: str) -> None:
    more = ["break"] if isinstance(roles()[role].limits[setting], str) else ["1000000000000", "0"]
    if setting == "max_threads":
        more.remove("0")  # there it means as many as the machine has cores, which is judged as such
    for value in more:
        assert refused(server.ask("SELECT 1", role, **{setting: value})) == "SETTING_CONSTRAINT_VIOLATION"
    assert refused(server.ask(f"SELECT 1 SETTINGS {setting} = {more[0]!r}", role)) == "SETTING_CONSTRAINT_VIOLATION"


def test_an_analyst_meets_the_limits(server: Server) -> None:
    limits = roles()["analyst"].limits
    many = f"SELECT sum(number) FROM numbers({int(limits['max_rows_to_read']) + 1})"
    assert refused(server.ask(many, "analyst")) == "TOO_MANY_ROWS"
    long = f"SELECT number FROM numbers({int(limits['max_result_rows']) + 1})"
    assert refused(server.ask(long, "analyst")) == "TOO_MANY_ROWS_OR_BYTES"
    assert refused(server.ask("SELECT sleepEachRow(1) FROM numbers(3)", "analyst", max_execution_time="1")) == "TIMEOUT_EXCEEDED"


def test_others_statements_are_not_shown(server: Server) -> None:
    for table in ("query_log", "processes", "users", "session_log"):
        assert refused(server.ask(f"SELECT * FROM system.{table}", "analyst")) in ("ACCESS_DENIED", "UNKNOWN_TABLE")


def test_flink_reports_and_reads_nothing(server: Server) -> None:
    row = "INSERT INTO flink_metric (metric, value) VALUES ('uptime', 1)"
    assert server.ask(row, "jobs").status_code == 200
    for statement in (
        "SELECT * FROM flink_metric",
        "SELECT count() FROM dead_letter",
        "INSERT INTO dead_letter (reason) VALUES ('x')",
    ):
        assert refused(server.ask(statement, "jobs")) == "ACCESS_DENIED"


def test_ingest_stores_and_defines_nothing(server: Server) -> None:
    assert server.ask("INSERT INTO dead_letter (reason, _offset) VALUES ('x', 1)", "ingest").status_code == 200
    for statement in WRITING[1:]:
        assert refused(server.ask(statement, "ingest")) in ("ACCESS_DENIED", "READONLY")


@pytest.mark.parametrize("role", [*roles(), "default", "nobody"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(server: Server, role: str, password: str) -> None:
    for statement in ("SELECT 1", "SELECT * FROM file('/etc/passwd', 'LineAsString')"):
        refused(server.ask(statement, role, password, max_sessions_for_user="100"))
        refused(server.ask(statement, role, password))


def test_a_server_of_ones_own_can_read_the_same_as_sql(server: Server) -> None:
    """No user can be made in the engine as a library: its parser says whether it is SQL."""
    text = re.sub(r"\$\{\w+_SHA256\}", "0" * 64, sql("livepulse"))
    statements = [one.strip() for one in re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).split(";\n") if one.strip()]
    assert len(statements) > 3 * len(roles())
    for statement in statements:
        read = server.ask(f"EXPLAIN AST {statement}", "admin")
        assert read.status_code == 200, read.text


def test_no_password_is_in_what_is_generated() -> None:
    identified = re.findall(r"IDENTIFIED WITH sha256_hash BY '(.*)'", sql("livepulse"))
    assert identified == [f"${{{password_variable(name)}_SHA256}}" for name in roles()]
