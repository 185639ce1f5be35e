"""The secured local stack: who has no password gets nowhere, what clients are given is only ever a value, and no secret leaks."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from jobs.catalogue import jobs
from pipelines.board.server import BoardServer
from pipelines.clickhouse import connect, speaks_tls
from pipelines.flink.script import script
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader
from pipelines.kafka import ca_file, kafka_python, librdkafka
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.sql import fill
from pipelines.stack.layout import Layout
from pipelines.stack.roles import password_variable, roles
from pipelines.verify.records import check_records
from tests.conftest import free_port, run_cli, settings_of, stack_environment
from tests.e2e.pipeline import wait_for
from tests.realdata.record import Record

pytestmark = pytest.mark.timeout(180)

SECRETS = {
    "LIVEPULSE_KAFKA_PASSWORD": "q7w9x2-kafka-\"'\\<&>-secret",
    "LIVEPULSE_BOARD_TOKEN": "q7w9x2-board-secret-token",
    **{password_variable(role): f"q7w9x2-{role}-secret" for role in roles()},
}
SECURED = {"LIVEPULSE_SECURE": "true", "LIVEPULSE_CLICKHOUSE_USER": "livepulse", **SECRETS}
LEAK = b"q7w9x2-"
"""Every secret begins with it, and nothing else has it."""

HOSTILE = (
    "'); DROP TABLE comment_event; --",
    'a" OR 1=1 --',
    "\\'; SELECT 1; --",
    "%s %(x)s %%",
    "${room} {{room}} $__fromTime",
    "\x00\x1a\b",
)


@dataclass(frozen=True)
class Secured:
    """The stack, and how to talk to it."""

    environment: dict[str, str]
    settings: Settings

    def cli(self, *arguments: str, **overrides: str) -> str:
        """What a command says; it must succeed."""
        done = run_cli(self.environment | overrides, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, sql: str, role: str = "admin", password: str | None = None) -> httpx.Response:
        """ClickHouse's answer by HTTP; natively a failed login would end the engine as a library."""
        user = self.settings.clickhouse_user if role == "admin" else role
        key = SECRETS[password_variable(role)] if password is None else password
        trust = ssl.create_default_context(cafile=ca_file(self.settings))
        scheme = "https" if speaks_tls(self.settings) else "http"
        url = f"{scheme}://127.0.0.1:{self.settings.clickhouse_http_port}/?database=livepulse"
        return httpx.post(url, content=sql, headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": key}, verify=trust)


def secured_environment(home: Path) -> dict[str, str]:
    """The variables of a secured stack of its own."""
    return stack_environment(home) | SECURED | {"LIVEPULSE_KAFKA_LIBRARY_PORT": str(free_port())}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Kafka and ClickHouse, with tables; no Flink."""
    environment = secured_environment(tmp_path_factory.mktemp("secured"))
    found = Secured(environment, settings_of(environment))
    try:
        found.cli("up", "kafka", "clickhouse")
        found.cli("migrate")
        yield found
    finally:
        run_cli(environment, "down")


def comments(rooms: tuple[str, ...]) -> list[Record]:
    """A comment in each room."""
    now = int(time.time() * 1_000)
    base = {"event_time": now, "schema_version": 1, "platform": "p", "user_id": "u", "text": "hello"}
    return [
        Record("comment", room.encode(), now, json.dumps(base | {"event_id": f"e{number}", "room_id": room}).encode())
        for number, room in enumerate(rooms)
    ]


# It works


def test_events_get_through_whatever_rooms_are_called(secured: Secured) -> None:
    """Producer, ClickHouse's Kafka engine, its views as `ingest`, the dashboards' user: with their passwords."""
    with Sender(secured.settings.kafka_address, login=librdkafka(secured.settings)) as sender:
        for record in comments(HOSTILE):
            sender.send(record.topic, record.key.decode(), record.value, record.timestamp_ms)
    assert sender.failed == 0, sender.errors
    reader = Reader(secured.settings)
    chosen = Selection(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), variables={"room": HOSTILE})
    statement = bind(
        "SELECT DISTINCT room_id FROM comment_event WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(event_time)", chosen
    )
    wait_for(lambda: len(reader.run(*statement).rows) == len(HOSTILE), "every comment is stored", 30)
    assert {room for (room,) in reader.run(*statement).rows} == set(HOSTILE)
    with connect(secured.settings) as client:
        checks = check_records(secured.settings, client, 10)
        assert sum(check.compared for check in checks) == len(HOSTILE) and all(check.holds for check in checks)
        views = client.execute(
            "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
        )
        assert views and all("DEFINER = ingest" in view for (view,) in views), views[0]


def test_the_stack_says_that_it_is_well(secured: Secured) -> None:
    found = json.loads(secured.cli("status", "kafka", "clickhouse", "--json"))
    assert found["healthy"]


# Nobody else gets in


PROTOCOLS: dict[str, dict[str, str]] = {
    "plain": {},
    "tls, no login": {"security.protocol": "ssl"},
    "login, no tls": {"security.protocol": "sasl_plaintext"},
    "wrong password": {"sasl.password": "wrong"},
    "no such user": {"sasl.username": "somebody"},
    "weaker mechanism": {"sasl.mechanism": "PLAIN"},
}


@pytest.mark.parametrize("how", PROTOCOLS)
def test_kafka_tells_nothing_without_the_login(secured: Secured, how: str) -> None:
    good = librdkafka(secured.settings)
    assert AdminClient({"bootstrap.servers": secured.settings.kafka_address, **good}).list_topics(timeout=10).topics
    login = good | PROTOCOLS[how] if PROTOCOLS[how] else {}
    client = AdminClient({"bootstrap.servers": secured.settings.kafka_address, **login, "log_level": 0})
    with pytest.raises(KafkaException):
        client.list_topics(timeout=1.5)


@pytest.mark.parametrize("login", [{}, {"sasl.password": "wrong"}])
def test_the_listener_for_the_library_wants_the_password_too(secured: Secured, login: dict[str, str]) -> None:
    if speaks_tls(secured.settings):
        pytest.skip("There is a clickhouse program: the listener is not there.")
    address = f"127.0.0.1:{secured.settings.kafka_library_port}"
    plain = librdkafka(secured.settings) | {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"}
    assert AdminClient({"bootstrap.servers": address, **plain}).list_topics(timeout=10).topics
    client = AdminClient({"bootstrap.servers": address, "log_level": 0, **(plain | login if login else {})})
    with pytest.raises(KafkaException):
        client.list_topics(timeout=1.5)


def test_kafkas_certificate_is_checked(secured: Secured, tmp_path: Path) -> None:
    other = stack_environment(tmp_path / "other") | SECURED
    from pipelines.stack.secrets import make_certificate

    settings = settings_of(other)
    Layout.of(settings).create()
    make_certificate(settings)
    trusting = kafka_python(secured.settings) | {"ssl_cafile": ca_file(settings)}
    with pytest.raises(KafkaError):
        KafkaConsumer(**trusting, bootstrap_timeout_ms=1_500)


def test_the_controller_speaks_to_the_broker_alone(secured: Secured) -> None:
    """Whoever may speak to it may set passwords."""
    trust = ssl.create_default_context(cafile=ca_file(secured.settings))
    address = ("127.0.0.1", secured.settings.kafka_controller_port)
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(address, 3) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        # In TLS 1.3 a client learns by the first answer that it should have shown a certificate.
        tls.sendall(b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff")
        if not tls.recv(1):
            raise ConnectionError("closed")


@pytest.mark.parametrize("role", [*roles(), "default"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_clickhouse_answers_nobody_without_a_password(secured: Secured, role: str, password: str) -> None:
    assert secured.ask("SELECT 1", role, password).status_code >= 400


def test_clickhouse_speaks_tls_alone(secured: Secured) -> None:
    if not speaks_tls(secured.settings):
        pytest.skip("ClickHouse's engine as a library listens without TLS only: there is no clickhouse program.")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secured.settings.clickhouse_http_port}/ping").raise_for_status()
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{secured.settings.clickhouse_http_port}/ping")


def test_the_users_of_the_roles_are_there(secured: Secured) -> None:
    for role in roles():
        assert secured.ask("SELECT currentUser()", role).status_code == 200, role
    assert "ACCESS_DENIED" in secured.ask("SELECT raw FROM dead_letter", "analyst").text
    assert "ACCESS_DENIED" in secured.ask("DROP TABLE comment_event", "dashboards").text


# What people give is a value


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE), st.text("'\\\"%${}();-\0\n")), min_size=1, max_size=4))
def test_a_variable_comes_back_as_it_was_given(secured: Secured, values: list[str]) -> None:
    chosen = Selection(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), variables={"room": values})
    found = _reader(secured.settings).run(*bind("SELECT [${room:sqlstring}] AS chosen, '$' AS sign, '%' AS percent", chosen))
    assert found.rows == [[str(values), "$", "%"]]


_READERS: dict[int, Reader] = {}


def _reader(settings: Settings) -> Reader:
    return _READERS.setdefault(settings.clickhouse_port, Reader(settings))


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"])))
def test_a_setting_in_generated_sql_is_a_value(secured: Secured, value: str) -> None:
    sql = fill("SELECT '${kafka}' AS setting", kafka=value).replace("%", "%%")
    assert _reader(secured.settings).run(sql, {"unused": 1}).rows == [[value]]


# The board


def test_a_board_for_others_wants_its_token(tmp_path: Path) -> None:
    settings = settings_of(stack_environment(tmp_path) | SECURED | {"LIVEPULSE_BOARD_HOST": "0.0.0.0"})
    token = SECRETS["LIVEPULSE_BOARD_TOKEN"]
    address = f"http://127.0.0.1:{settings.board_port}"
    with BoardServer(settings), httpx.Client() as client:
        for path in ("/", "/api/dashboards", "/page/main.js", "/?token=wrong", "/?token="):
            assert client.get(address + path).status_code == 401, path
        assert client.post(f"{address}/api/query?token={token}", json={}).status_code == 401
        assert client.get(address, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get(address, headers={"Cookie": f"livepulse_board={token}"}).status_code == 401
        assert client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        first = client.get(f"{address}//elsewhere.test/d/x?from=1&token={token}")
        assert (first.status_code, first.headers["location"]) == (303, "/elsewhere.test/d/x?from=1")
        assert "HttpOnly" in first.headers["set-cookie"] and "SameSite=strict" in first.headers["set-cookie"]
        assert token not in first.headers["set-cookie"]
        assert client.get(address).status_code == client.get(f"{address}/api/dashboards").status_code == 200


@pytest.mark.parametrize(("token", "said"), [("", "seen by everyone"), ("short", "less than 16")])
def test_a_board_for_others_does_not_start_without(tmp_path: Path, token: str, said: str) -> None:
    done = run_cli(stack_environment(tmp_path) | {"LIVEPULSE_BOARD_TOKEN": token}, "board", "--host", "0.0.0.0", timeout=20)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


# Nothing leaks


def test_no_secret_is_anywhere_but_in_its_file(secured: Secured) -> None:
    """In all files of the home, command lines, what commands say, and the SQL for Flink and ClickHouse."""
    said = [
        secured.cli("status", "kafka", "clickhouse"),
        secured.cli("logs"),
        secured.cli("simulate", "--events", "200", "--rate", "1000"),
    ]
    application = script(list(jobs().values()), secured.settings, "group")
    said += application.definitions
    assert any("sasl.jaas.config" in statement for statement in application.definitions)
    with connect(secured.settings) as client:
        said += [text for (text,) in client.execute("SELECT create_table_query FROM system.tables WHERE database = 'livepulse'")]
    said += [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [text for text in said if LEAK.decode() in text]
    assert LEAK.decode() not in repr(secured.settings)

    layout = Layout.of(secured.settings)
    assert layout.secrets.stat().st_mode & 0o777 == 0o700
    holding = set()
    for path in layout.home.rglob("*"):
        if path.is_file() and not path.is_symlink() and LEAK in path.read_bytes():
            holding.add(path.relative_to(layout.home).as_posix())
    assert holding == {"secrets/kafka.properties", "secrets/clickhouse.xml", "secrets/jobs_password"}
    for path in layout.secrets.iterdir():
        assert path.name == "certificate.pem" or path.stat().st_mode & 0o777 == 0o600, path


def test_a_missing_password_is_named_before_anything_starts(tmp_path: Path) -> None:
    environment = stack_environment(tmp_path / "home") | SECURED | {"LIVEPULSE_CLICKHOUSE_JOBS_PASSWORD": ""}
    del environment["LIVEPULSE_KAFKA_PASSWORD"]
    done = run_cli(environment, "up", "kafka")
    assert done.returncode == 1
    assert "LIVEPULSE_KAFKA_PASSWORD, LIVEPULSE_CLICKHOUSE_JOBS_PASSWORD" in done.stderr
    assert not psutil.pid_exists(-1) and not list((tmp_path / "home").rglob("*.log"))
