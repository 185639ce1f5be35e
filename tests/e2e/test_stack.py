"""The local stack, started and stopped by the program as a user does it: real processes, ports and files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from clickhouse_driver import Client

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack import health, supervision
from pipelines.stack.layout import Layout
from tests.conftest import Cli, free_port
from tests.e2e.pipeline import wait_for

pytestmark = pytest.mark.timeout(300)

LIVEPULSE = Path(sys.executable).with_name("livepulse")
PORTS = (
    "kafka_port",
    "kafka_controller_port",
    "flink_port",
    "flink_rpc_port",
    "zookeeper_port",
    "clickhouse_port",
    "clickhouse_http_port",
)


class Stack:
    """One stack with a home and ports of its own, used by the command line."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.folder = home.parent  # no .env file there
        self.values: dict[str, Any] = {"home": str(home), **{port: str(free_port()) for port in PORTS}, **settings}

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, **self.values)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVEPULSE_") or k == "LIVEPULSE_COMPONENTS"}
        return {**kept, **{f"LIVEPULSE_{name.upper()}": value for name, value in self.values.items()}, "COLUMNS": "200"}

    def run(self, *arguments: str, code: int = 0) -> str:
        """What the command says; it must end with this code."""
        command = [str(LIVEPULSE), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{said}"
        assert "Traceback" not in said
        return said

    def status(self, *services: str, code: int = 0) -> dict[str, dict[str, Any]]:
        lines = json.loads(self.run("status", *services, "--json", code=code))
        return {line["name"]: line for line in lines["services"]}

    def pid(self, process: str) -> int:
        layout = Layout.of(self.settings)
        if process == "supervisord":
            return int(layout.pid_file.read_text())
        service = "flink" if process.endswith("manager") else process
        return int(self.status(service)[process]["pid"])

    def query(self, sql: str) -> Any:
        settings = self.settings
        password = settings.clickhouse_password.get_secret_value()
        client = Client("127.0.0.1", settings.clickhouse_port, user=settings.clickhouse_user, password=password)
        try:
            return client.execute(sql)
        finally:
            client.disconnect()

    def processes(self) -> list[psutil.Process]:
        """Everything that runs and has this home in its command line."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if any(f"{self.home}/" in argument for argument in process.info["cmdline"] or []):
                found.append(process)
        return found

    def end(self) -> None:
        """Stop it as a user does, and make sure that nothing is left."""
        self.run("down", "--wipe", "--yes")
        left = self.processes()
        for process in left:
            process.kill()
        assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Stack]]:
    """Two stacks side by side, with Kafka and ClickHouse (without Flink: two would need 8 GB)."""
    stacks = (Stack(tmp_path_factory.mktemp("one") / "home"), Stack(tmp_path_factory.mktemp("two") / "home"))
    try:
        for stack in stacks:
            stack.run("up", "kafka", "clickhouse")
        yield stacks
    finally:
        for stack in stacks:
            stack.end()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks, and ends them after the test."""
    made: list[Stack] = []

    def make_stack(home: str = "home", **settings: str) -> Stack:
        made.append(Stack(tmp_path / home, **settings))
        return made[-1]

    yield make_stack
    for stack in made:
        stack.end()


def test_two_stacks_do_not_meet(two: tuple[Stack, Stack]) -> None:
    one, other = two
    one.query("CREATE TABLE IF NOT EXISTS only_here (a Int64) ENGINE = MergeTree ORDER BY a")
    assert one.query("EXISTS only_here") == [(1,)]
    assert other.query("EXISTS only_here") == [(0,)]
    pids = [stack.pid(process) for stack in two for process in ("kafka", "clickhouse", "supervisord")]
    assert len(set(pids)) == 6


def test_everything_listens_on_the_loopback_only(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    pids = {process.pid for process in one.processes()}
    mine = [c for c in psutil.net_connections("tcp") if c.pid in pids and c.status == psutil.CONN_LISTEN]
    listening = [connection.laddr.ip for connection in mine if connection.laddr]
    assert len(listening) >= 4
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_up_twice_changes_nothing(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    before = one.status("kafka", "clickhouse")
    one.run("up", "kafka", "clickhouse")
    after = one.status("kafka", "clickhouse")
    assert {name: line["pid"] for name, line in after.items()} == {name: line["pid"] for name, line in before.items()}


def test_status_tells_programs_by_its_exit_code(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    well = one.status("kafka", "clickhouse")
    assert all(line["healthy"] and line["state"] == "running" and line["memory_mb"] > 50 for line in well.values())
    everything = one.status(code=3)  # Flink was not started
    assert everything["jobmanager"] | {"address": ""} == {
        "name": "jobmanager",
        "state": "stopped",
        "address": "",
        "pid": None,
        "uptime_seconds": None,
        "memory_mb": None,
        "healthy": False,
        "detail": "",
    }


def test_the_settings_of_clickhouse_are_in_force(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    # The pool of Kafka tables is made with the first of them; until then it is shown as 0.
    one.query(
        "CREATE TABLE IF NOT EXISTS queue (a String) ENGINE = Kafka SETTINGS kafka_broker_list = '127.0.0.1:1', "
        "kafka_topic_list = 'x', kafka_group_name = 'x', kafka_format = 'RawBLOB'"
    )
    one.query("CREATE MATERIALIZED VIEW IF NOT EXISTS from_queue ENGINE = Null AS SELECT * FROM queue")
    names = ("background_message_broker_schedule_pool_size", "max_server_memory_usage", "mark_cache_size", "background_pool_size")
    server = dict(one.query(f"SELECT name, value FROM system.server_settings WHERE name IN {names}"))
    one.query("DROP VIEW from_queue")
    one.query("DROP TABLE queue")
    assert [server[name] for name in names] == ["64", str(3 << 30), str(128 << 20), "16"]
    profile = ("max_partitions_per_insert_block", "input_format_try_infer_dates", "input_format_try_infer_datetimes")
    assert one.query(f"SELECT DISTINCT value FROM system.settings WHERE name IN {profile}") == [("0",)]
    assert one.query("SELECT timezone()") == [("UTC",)]


def test_clickhouse_comes_back_with_its_data_after_kill_9(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    one.query("CREATE TABLE IF NOT EXISTS kept (a Int64) ENGINE = MergeTree ORDER BY a")
    one.query("INSERT INTO kept SELECT number FROM numbers(100000)")
    pid = one.pid("clickhouse")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid), "the old process has ended", 60)
    wait_for(lambda: health.clickhouse_health(one.settings).ok, "another one answers", 60)
    assert one.pid("clickhouse") != pid
    assert one.query("SELECT count() FROM kept") == [(100_000,)]


def test_an_existing_service_is_used_and_left_alone(two: tuple[Stack, Stack], make: Callable[..., Stack]) -> None:
    one, _ = two
    address = one.settings.kafka_address
    guest = make(kafka=address)
    line = guest.status("kafka")["kafka"]
    assert (line["state"], line["address"], line["healthy"], line["pid"]) == ("external", address, True, None)
    assert "LIVEPULSE_KAFKA" in guest.run("up", "kafka", code=1)
    health.require(guest.settings, "kafka")
    with pytest.raises(UserError) as caught:
        health.require(guest.settings, "kafka", "clickhouse")
    assert "clickhouse" in caught.value.message and guest.settings.clickhouse_address in caught.value.message
    assert "livepulse up clickhouse" in str(caught.value.hint)
    nowhere = make("other", clickhouse="127.0.0.1:1")
    with pytest.raises(UserError) as caught:
        health.require(nowhere.settings, "clickhouse")
    assert "LIVEPULSE_CLICKHOUSE" in str(caught.value.hint)


def test_logs_are_shown_and_followed(two: tuple[Stack, Stack]) -> None:
    one, _ = two
    assert "Kafka Server started" in one.run("logs", "kafka", "-n", "1000")
    assert len(one.run("logs", "kafka", "-n", "3").splitlines()) == 3
    assert "kafka       | " in one.run("logs", "-n", "3")
    assert "jobmanager" in one.run("logs", "flinkk", code=2)
    log = Layout.of(one.settings).log("clickhouse")
    command = [str(LIVEPULSE), "logs", "clickhouse", "-f", "-n", "0"]
    follower = subprocess.Popen(command, cwd=one.folder, env=one.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert follower.stdout
        time.sleep(1.5)  # it begins at the end of the file
        with log.open("a") as file:
            file.write("a line from the test\n")
        assert follower.stdout.readline() == "a line from the test\n"
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 0
    finally:
        follower.kill()
        follower.wait()


def test_one_service_stops_alone(two: tuple[Stack, Stack]) -> None:
    _, other = two
    other.run("down", "kafka")
    assert other.status("kafka", code=3)["kafka"]["state"] == "stopped"
    assert other.status("clickhouse")["clickhouse"]["healthy"]
    other.run("up", "kafka")
    assert other.status("kafka", "clickhouse")


def test_what_is_still_stopping_is_started_again(two: tuple[Stack, Stack]) -> None:
    """As after a `down` that was interrupted."""
    one, _ = two
    supervisor = supervision.connect(Layout.of(one.settings))
    assert supervisor is not None
    stopping = psutil.Process(one.pid("clickhouse"))
    stopping.suspend()  # for as long as the test wants, it does not heed what it is told
    supervisor.stop("clickhouse")
    assert one.status("clickhouse", code=3)["clickhouse"]["state"] == "stopping"
    command = [str(LIVEPULSE), "up", "clickhouse"]
    up = subprocess.Popen(command, cwd=one.folder, env=one.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert up.stdout
        assert up.stdout.readline() == "Still stopping, to be started again: clickhouse.\n"
        stopping.resume()
        assert up.wait(60) == 0, up.stdout.read()
        assert one.pid("clickhouse") != stopping.pid
    finally:
        up.kill()
        up.wait()


def test_a_taken_port_is_named_with_its_holder_and_its_setting(make: Callable[..., Stack]) -> None:
    stack = make()
    with socket.create_server(("127.0.0.1", stack.settings.clickhouse_port)):
        said = stack.run("up", "clickhouse", code=1)
    assert f"Port {stack.settings.clickhouse_port} is taken by process {os.getpid()}" in said
    assert "LIVEPULSE_CLICKHOUSE_PORT" in said
    assert not stack.processes()


def test_the_same_port_twice_is_refused(make: Callable[..., Stack]) -> None:
    port = str(free_port())
    said = make(kafka_port=port, clickhouse_http_port=port).run("up", "clickhouse", code=1)
    assert "LIVEPULSE_KAFKA_PORT and LIVEPULSE_CLICKHOUSE_HTTP_PORT are both" in said


def test_nothing_outlives_a_killed_supervisor_and_up_clears_its_remains(make: Callable[..., Stack]) -> None:
    stack = make()
    stack.run("up", "clickhouse")
    stack.query("CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT number AS a FROM numbers(1000)")
    os.kill(stack.pid("supervisord"), signal.SIGKILL)
    wait_for(lambda: not stack.processes(), "its children have ended", 60)
    layout = Layout.of(stack.settings)
    assert layout.socket.is_socket() and layout.pid_file.exists()
    assert stack.status("clickhouse", code=3)["clickhouse"]["state"] == "stopped"

    layout.pid_file.write_text(f"{os.getpid()}\n")  # the number is another process's by now
    said = stack.run("up", "clickhouse")
    assert "removed the pid file and the socket" in said
    assert stack.query("SELECT count() FROM kept") == [(1_000,)]


def test_a_service_that_cannot_start_is_reported_with_its_log(make: Callable[..., Stack]) -> None:
    stack = make()
    folder = Layout.of(stack.settings).clickhouse_data
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where a folder should be")
    assert str(folder) in stack.run("up", "clickhouse", code=1)
    folder.unlink()
    (folder / "status").mkdir(parents=True)  # and a folder where ClickHouse wants a file
    said = stack.run("up", "clickhouse", code=1)
    assert "clickhouse does not start" in said and str(folder / "status") in said
    assert stack.status("clickhouse", code=3)["clickhouse"]["state"] == "failed"
    (folder / "status").rmdir()
    stack.run("up", "clickhouse")


def test_a_password_and_a_user_are_enforced(make: Callable[..., Stack]) -> None:
    stack = make(clickhouse_user="somebody", clickhouse_password="p%w'd")
    stack.run("up", "clickhouse")
    assert stack.query("SELECT currentUser()") == [("somebody",)]
    for credentials in ("", "?user=somebody&password=wrong"):
        url = f"http://127.0.0.1:{stack.settings.clickhouse_http_port}/{credentials}"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(url, data=b"SHOW TABLES")


def test_long_and_impossible_homes(make: Callable[..., Stack]) -> None:
    stack = make("h" * 120)  # too long for a Unix socket's name
    stack.run("up", "clickhouse")
    socket_folder = Layout.of(stack.settings).socket.parent
    assert not socket_folder.is_relative_to(stack.home) and socket_folder.stat().st_mode & 0o777 == 0o700
    stack.run("down")
    assert not socket_folder.exists()
    impossible = Stack(stack.folder / "a b")
    assert "LIVEPULSE_HOME" in impossible.run("up", code=1)


def test_wipe_asks_and_takes_only_what_the_stack_made(make: Callable[..., Stack]) -> None:
    stack = make()
    stack.run("up", "clickhouse")
    mine = stack.home / "notes.txt"
    mine.write_text("not the stack's")
    stack.run("down", "--wipe", code=1)  # nobody to say yes
    assert stack.status("clickhouse")["clickhouse"]["healthy"]
    assert "There is no service" in stack.run("down", "..", "--wipe", "--yes", code=2)
    stack.run("down", "--wipe", "--yes")
    assert [path.name for path in stack.home.iterdir()] == ["notes.txt"]


def test_settings_that_cannot_be_are_explained(make: Callable[..., Stack]) -> None:
    stack = make()
    good = stack.values["kafka_port"]
    stack.values["kafka_port"] = "70000"
    assert "LIVEPULSE_KAFKA_PORT: " in stack.run("status", code=2)
    stack.values["kafka_port"] = good


def test_missing_programs_are_named(make: Callable[..., Stack], tmp_path: Path) -> None:
    stack = make(components=str(tmp_path / "components"))
    programs = tmp_path / "bin"
    programs.mkdir()
    environment = stack.environment
    for present, missing in (((), "Java"), (("java",), "mvn"), (("java", "mvn"), "npm")):
        for name in present:
            if not (programs / name).exists():
                (programs / name).symlink_to(str(shutil.which(name)))
        command = [str(LIVEPULSE), "install"]
        path = {"PATH": str(programs), "JAVA_HOME": ""}
        done = subprocess.run(command, cwd=tmp_path, env=environment | path, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and missing in done.stderr and "Traceback" not in done.stderr


def test_flink_runs_with_the_connectors_and_heals(stack: Settings, cli: Cli) -> None:
    def status(code: int = 0) -> dict[str, Any]:
        done = cli("status", "--json")
        assert done.returncode == code, done.stderr
        return {line["name"]: line for line in json.loads(done.stdout)["services"]}

    lines = status()
    assert set(lines) == {"kafka", "clickhouse", "zookeeper", "jobmanager", "taskmanager"}
    for process in ("jobmanager", "taskmanager"):
        command = " ".join(psutil.Process(lines[process]["pid"]).cmdline())
        assert "flink-sql-connector-kafka" in command and "livepulse-flink-extension.jar" in command
    assert health.flink_health(stack).task_slots == 8
    assert cli("logs", "taskmanager", "-n", "5").stdout.count("\n") == 5
    assert {path.name for path in stack.home.iterdir() if path.is_file()} == set(), "every log is in logs"

    os.kill(lines["taskmanager"]["pid"], signal.SIGKILL)
    wait_for(lambda: not health.flink_health(stack).ok, "the loss is noticed", 60)
    assert status(code=3)["jobmanager"]["healthy"]
    wait_for(lambda: health.flink_health(stack).ok, "another TaskManager has registered", 60)
    assert status()["taskmanager"]["pid"] != lines["taskmanager"]["pid"]
    working = (Layout.of(stack).flink_tmp / "taskmanager").glob("tm_*")
    assert len([*working]) == 1, "what the killed one had is deleted"
