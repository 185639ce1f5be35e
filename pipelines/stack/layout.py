"""What the local stack consists of, and where its files are."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import UserError
from pipelines.settings import Settings

# In the order in which they start; they stop in the reverse order, so that consumers can still say goodbye to Kafka.
SERVICES: dict[str, tuple[str, ...]] = {
    "kafka": ("kafka",),
    "clickhouse": ("clickhouse",),
    "flink": ("zookeeper", "jobmanager", "taskmanager"),
}
PROCESSES: tuple[str, ...] = tuple(process for processes in SERVICES.values() for process in processes)

# The settings that hold each process's ports.
PORTS: dict[str, tuple[str, ...]] = {
    "kafka": ("kafka_port", "kafka_controller_port"),
    "clickhouse": ("clickhouse_port", "clickhouse_http_port"),
    "jobmanager": ("flink_port", "flink_rpc_port"),
    "zookeeper": ("zookeeper_port",),
    "taskmanager": (),
}

# Unix sockets have short names (108 bytes on Linux, less elsewhere), and supervisord first adds its pid to it.
_LONGEST_SOCKET = 90

# Flink's shell scripts split at blanks, class paths at colons, supervisord expands % and cuts comments at ;.
_IMPOSSIBLE = frozenset(" \t\n:;,%$\"'\\<>&|*?[](){}#`!")


@dataclass(frozen=True)
class Layout:
    """The folders and files of one stack, all below its home."""

    home: Path
    components: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        """The layout for these settings; a `UserError` when a path cannot work."""
        layout = cls(settings.home.expanduser().absolute(), settings.components.expanduser().absolute())
        for setting, path in (("LIVEPULSE_HOME", layout.home), ("LIVEPULSE_COMPONENTS", layout.components)):
            refuse_impossible(path, f"Set {setting} to a folder without them.")
        return layout

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def supervisord_conf(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def pid_file(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def secrets(self) -> Path:
        """For passwords and keys that processes of a secured stack read; for its owner alone."""
        return self.home / "secrets"

    @property
    def certificate(self) -> Path:
        """What the services of a secured stack show, and clients trust; PEM."""
        return self.secrets / "certificate.pem"

    @property
    def kafka_data(self) -> Path:
        return self.home / "kafka" / "data"

    @property
    def kafka_conf(self) -> Path:
        return self.home / "kafka" / "conf"

    @property
    def flink(self) -> Path:
        return self.home / "flink"

    @property
    def flink_conf(self) -> Path:
        return self.flink / "conf"

    @property
    def flink_lib(self) -> Path:
        return self.flink / "lib"

    @property
    def zookeeper_data(self) -> Path:
        return self.flink / "zookeeper"

    @property
    def flink_tmp(self) -> Path:
        return self.flink / "tmp"

    @property
    def clickhouse_data(self) -> Path:
        return self.home / "clickhouse" / "data"

    @property
    def clickhouse_conf(self) -> Path:
        return self.home / "clickhouse" / "conf"

    @property
    def kafka_jars(self) -> Path:
        return self.components / "jars" / "kafka"

    @property
    def flink_jars(self) -> Path:
        return self.components / "jars" / "flink"

    @property
    def flink_plans(self) -> Path:
        return self.components / "plans"

    @property
    def board_package(self) -> Path:
        return self.components / "board"

    @property
    def clickhouse_package(self) -> Path:
        return self.components / "clickhouse"

    @property
    def socket(self) -> Path:
        """Supervisord's socket: in the home, or in a short folder of its own where that path is too long."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"livepulse-{digest}" / "supervisor.sock"

    def log(self, process: str) -> Path:
        """The current log file of a process."""
        return self.logs / f"{process}.log"

    def create(self) -> None:
        """Make the folders. The home is for its owner alone: it holds data, and the hash of a password."""
        try:
            self._create()
        except OSError as error:
            raise UserError(f"A folder of the stack cannot be made: {error}", "Set LIVEPULSE_HOME to another folder.") from error

    def _create(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        kafka, clickhouse = (self.kafka_data, self.kafka_conf), (self.clickhouse_data, self.clickhouse_conf)
        flink = (self.flink_conf, self.flink_lib, self.flink_tmp, self.flink / "upload", self.flink / "pid", self.zookeeper_data)
        for folder in (self.secrets, self.logs, self.run, *kafka, *clickhouse, *flink):
            # The home may be there, and open to others.
            own = self.home / folder.relative_to(self.home).parts[0]
            own.mkdir(mode=0o700, exist_ok=True)
            own.chmod(0o700)
            folder.mkdir(parents=True, exist_ok=True)
        folder = self.socket.parent
        if folder != self.run:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
                raise UserError(
                    f"{folder} is not a folder that only you can use, so the supervisor's socket cannot go there.",
                    "Remove it, or set LIVEPULSE_HOME to a shorter path.",
                )


def ports_of(settings: Settings, process: str) -> tuple[str, ...]:
    """The settings that hold the ports on which a process listens."""
    return PORTS[process] + (("kafka_library_port",) if process == "kafka" and settings.secure else ())


def refuse_impossible(path: Path, hint: str) -> None:
    """Raise a `UserError` for a path with characters that the programs of the stack would take apart."""
    found = sorted(set(str(path)) & _IMPOSSIBLE)
    if found:
        raise UserError(f"The path {str(path)!r} has characters that Flink's and Kafka's start scripts cannot take: {found}.", hint)


def external_address(settings: Settings, service: str) -> str | None:
    """The address of an existing service that is used instead of the local one, if there is one."""
    address: str | None = getattr(settings, service)
    return address


def selected(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    """The local services meant by `names` (all when empty), in the order in which they start."""
    wanted = tuple(names)
    for name in wanted:
        if name not in SERVICES:
            raise UserError(f"There is no service {name!r}.", f"Services: {', '.join(SERVICES)}.", exit_code=2)
        if address := external_address(settings, name):
            raise UserError(
                f"{name} is an existing service at {address}: it is neither started nor stopped from here.",
                f"Unset LIVEPULSE_{name.upper()} to use a local one.",
            )
    return tuple(name for name in SERVICES if (name in wanted or not wanted) and not external_address(settings, name))


def addresses(settings: Settings, process: str) -> str:
    """Where a local process answers, as shown to people."""
    match process:
        case "kafka":
            return settings.kafka_address
        case "jobmanager":
            return f"http://{settings.flink_address}"
        case "zookeeper":
            return f"127.0.0.1:{settings.zookeeper_port}"
        case "clickhouse":
            return f"{settings.clickhouse_address} (http {settings.clickhouse_http_port})"
        case _:
            return ""
