"""Whether the ports that a process needs are free, and who has them if they are not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import Layout, ports_of

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Holder:
    """The process that listens on a port."""

    pid: int
    command: str


def taken(settings: Settings, processes: Iterable[str]) -> dict[str, int]:
    """The port settings of these processes whose port something else listens on."""
    ports = {name: getattr(settings, name) for process in processes for name in ports_of(settings, process)}
    return {name: port for name, port in ports.items() if not _is_free(port)}


def refuse_taken(settings: Settings, setting: str) -> None:
    """Raise a `UserError` when something listens on the port of this setting."""
    port = getattr(settings, setting)
    if not _is_free(port):
        raise taken_error(setting, port)


def refuse_equal(settings: Settings, processes: Iterable[str]) -> None:
    """Raise a `UserError` when two of the settings are the same port."""
    seen: dict[int, str] = {}
    for name in (name for process in processes for name in ports_of(settings, process)):
        port = getattr(settings, name)
        if port in seen:
            raise UserError(f"{_variable(seen[port])} and {_variable(name)} are both {port}.", "Give each a port of its own.")
        seen[port] = name


def taken_error(setting: str, port: int) -> UserError:
    """The message for a port that is taken: which, by whom, and which variable moves it."""
    found = holder(port)
    by = f"process {found.pid}: {found.command}" if found else "a process that this user may not look at"
    another = port + 1_000 if port < 64_000 else port - 1_000
    hint = f"Stop that process, or use another port: set {_variable(setting)}, for example to {another}."
    return UserError(f"Port {port} is taken by {by}.", hint)


def holder(port: int) -> Holder | None:
    """Who listens on a port of this machine, as far as the system tells us."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS tells only root
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = "(it just ended)"
            return Holder(connection.pid, command if len(command) <= 200 else f"{command[:200]} …")
    return None


def leftovers(layout: Layout) -> list[int]:
    """Processes of this stack that no supervisor looks after any more."""
    import psutil

    processes = psutil.process_iter(["pid", "cmdline"])
    return [int(process.info["pid"]) for process in processes if _is_of_stack(layout, process.info["cmdline"] or [])]


def _is_of_stack(layout: Layout, command: Sequence[str]) -> bool:
    """Whether a process has the command line of one of this stack's: the program, what it runs, and the stack's configuration.

    Another that only speaks of these, such as a search in the logs, would be killed.
    """
    clickhouse = str(layout.clickhouse_conf / "config.xml")
    match command:
        case [program, "server", "--config-file", config]:
            return Path(program).name.startswith("clickhouse") and config == clickhouse
        case [_, "-m", "pipelines.stack.clickhouse_engine", _, config]:
            return config == clickhouse
        case [program, *options] if Path(program).name == "java":
            # Behind the class path stands the class, behind that what it is given.
            path = next((place for place, option in enumerate(options) if option in ("-cp", "-classpath")), len(options))
            main, arguments = options[path + 2 : path + 3], options[path + 3 :]
            return any(main == [name] and str(config) in arguments for name, config in _java_servers(layout))
    return False


def _java_servers(layout: Layout) -> tuple[tuple[str, Path], ...]:
    """Class and configuration of each process that runs in Java."""
    return (
        ("kafka.Kafka", layout.kafka_conf / "server.properties"),
        ("org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain", layout.flink_conf / "zoo.cfg"),
        ("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", layout.flink_conf),
        ("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", layout.flink_conf),
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of a process that has ended does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno == errno.EACCES:
                raise UserError(f"Port {port} needs more rights than this user has.", "Use ports above 1023.") from error
            raise
    return True


def _variable(setting: str) -> str:
    return f"LIVEPULSE_{setting.upper()}"
