"""The local stack's configuration files, from the templates in `deploy/` and the settings."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import deploy.local
import pipelines
from pipelines.errors import UserError
from pipelines.kafka import ca_file
from pipelines.settings import Settings
from pipelines.stack import components, secrets
from pipelines.stack.layout import PROCESSES, Layout
from pipelines.stack.roles import roles
from pipelines.stack.site import ClickHouseUser, Listener, Site, fill

_SUPERVISORD = Path(deploy.local.__file__).with_name("supervisord.conf.j2")
_LOOPBACK = ("127.0.0.0/8", "::1")
_LAUNCH = Path(__file__).with_name("launch.py")

# For each process: its templates, and what the files are called in the layout.
_FILES: dict[str, tuple[tuple[str, str], ...]] = {
    "kafka": (("kafka/server.properties", "kafka_conf"), ("kafka/log4j2.properties", "kafka_conf")),
    "clickhouse": (("clickhouse/config.xml", "clickhouse_conf"), ("clickhouse/users.xml", "clickhouse_conf")),
    "zookeeper": (("flink/zoo.cfg", "flink_conf"), ("flink/log4j-console.properties", "flink_conf")),
    "jobmanager": (("flink/config.yaml", "flink_conf"), ("flink/log4j-console.properties", "flink_conf")),
    "taskmanager": (("flink/config.yaml", "flink_conf"), ("flink/log4j-console.properties", "flink_conf")),
}


@dataclass(frozen=True)
class Program:
    """One process as supervisord is told about it."""

    name: str
    command: str
    environment: dict[str, str]


def render(settings: Settings, process: str) -> dict[Path, str]:
    """The configuration files of a process and what is to be in them."""
    layout, here = Layout.of(settings), site(settings)
    return {getattr(layout, folder) / Path(name).name: fill(name, here, settings) for name, folder in _FILES[process]}


def site(settings: Settings) -> Site:
    """The local stack: everything on loopback, everything below the home."""
    layout, host = Layout.of(settings), "127.0.0.1"
    program = components.clickhouse_program()
    # The engine as a library can listen without TLS only.
    tls = settings.secure and program is not None
    jobs = "jobs" if secrets.role_password(settings, "jobs") else settings.clickhouse_user
    return Site(
        listens=host,
        kafka_listeners=tuple(_kafka_listeners(settings)),
        kafka_controller=f"{host}:{settings.kafka_controller_port}",
        kafka_data=str(layout.kafka_data),
        clickhouse_data=str(layout.clickhouse_data),
        clickhouse_users_file=str(layout.clickhouse_conf / "users.xml"),
        clickhouse_port=settings.clickhouse_port,
        clickhouse_http_port=settings.clickhouse_http_port,
        clickhouse_users=tuple(_clickhouse_users(settings)),
        clickhouse_as_library=program is None,
        clickhouse_needs_default=program is None and settings.clickhouse_user != "default",
        jobmanager=host,
        taskmanager=host,
        flink_port=settings.flink_port,
        flink_rpc_port=settings.flink_rpc_port,
        zookeeper=f"{host}:{settings.zookeeper_port}",
        zookeeper_port=settings.zookeeper_port,
        zookeeper_data=str(layout.zookeeper_data),
        flink=str(layout.flink),
        flink_figures_to="" if settings.clickhouse else f"{'https' if tls else 'http'}://{host}:{settings.clickhouse_http_port}/",
        flink_figures_as=jobs,
        flink_figures_password=str(password) if (password := secrets.jobs_password(settings)) in secrets.files(settings) else "",
        python=sys.executable,
        secrets=str(layout.secrets) if settings.secure else "",
        clickhouse_tls=tls,
        kafka_ca=ca_file(settings),
    )


def differs(files: dict[Path, str]) -> bool:
    """Whether any of the files is not there with exactly this text."""
    return any(not path.is_file() or path.read_text() != text for path, text in files.items())


def write(files: dict[Path, str]) -> None:
    """Write the files, for their owner alone."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)


def render_supervisord(settings: Settings, processes: Collection[str]) -> str:
    """Supervisord's configuration for these processes, in the order in which they start."""
    import jinja2

    programs = [_program(settings, process) for process in PROCESSES if process in processes]
    template = jinja2.Template(
        _SUPERVISORD.read_text(), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text: str = template.render(layout=Layout.of(settings), processes=programs, root=os.getuid() == 0)
    return text


def format_kafka(settings: Settings) -> None:
    """Prepares Kafka's folder, and makes its user, when that has not been done.

    What stands on a command line can be read by everyone on the machine: the user comes by a file, and without the password itself.

    Raises:
        UserError: with what Kafka says.
    """
    layout = Layout.of(settings)
    if (layout.kafka_data / "meta.properties").exists():
        return
    # A cluster's id is a UUID in base64; one that begins with a dash would be read as an option.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
    arguments = ["--cluster-id", cluster, "--config", str(layout.kafka_conf / "server.properties")]
    if settings.secure:
        arguments += ["--add-scram", secrets.scram_credential(settings)]
    file = layout.secrets / "kafka-format"
    write({file: "".join(f"{argument}\n" for argument in arguments)})
    command = [
        components.java(),
        *components.UNOPTIMISED_JAVA,
        "-cp",
        f"{layout.kafka_jars}/*",
        "kafka.tools.StorageTool",
        "format",
        f"@{file}",
    ]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    file.unlink()
    if result.returncode:
        raise UserError(f"Kafka's folder could not be prepared:\n{result.stdout.strip()}", f"The folder: {layout.kafka_data}")


def link_flink_jars(settings: Settings) -> None:
    """Fill Flink's lib folder: the wheel's own jars and ours, as links, so that nothing is copied into the wheel."""
    layout = Layout.of(settings)
    home = components.flink_home()
    for old in layout.flink_lib.iterdir():
        old.unlink()
    python = home.glob("opt/flink-python-*.jar")  # functions in Python need it on the cluster
    for jar in (*home.glob("lib/*.jar"), *python, *layout.flink_jars.glob("*.jar")):
        (layout.flink_lib / jar.name).symlink_to(jar)


def _program(settings: Settings, process: str) -> Program:
    layout = Layout.of(settings)
    if process == "kafka":
        options = "-server -Xms256m -Xmx768m -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true"
        log4j = f"-Dlog4j2.configurationFile={layout.kafka_conf}/log4j2.properties"
        command = [components.java(), *options.split(), log4j, "-cp", f"{layout.kafka_jars}/*", "kafka.Kafka"]
        return _supervised(process, [*command, str(layout.kafka_conf / "server.properties")], {})
    if process == "clickhouse":
        config = str(layout.clickhouse_conf / "config.xml")
        if program := components.clickhouse_program():
            command = [program, "server", "--config-file", config]
        else:
            library = str(components.clickhouse_library(layout))
            command = [sys.executable, "-m", "pipelines.stack.clickhouse_engine", library, config]
        return _supervised(process, command, {"TZ": "UTC", "PYTHONPATH": str(Path(pipelines.__file__).parent.parent)})
    home = components.flink_home()
    if process == "zookeeper":
        # Flink's own distribution carries it. It holds a few records: no heap to speak of, no code worth optimising.
        small = ("-Xmx64m", *components.UNOPTIMISED_JAVA, "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true")
        log = (
            f"-Dlog4j2.configurationFile={layout.flink_conf}/log4j-console.properties",
            f"-Dlog.file={layout.logs}/flink/zookeeper.log",
        )
        jars = ":".join(str(jar) for jar in sorted(home.glob("lib/flink-dist-*.jar")) + sorted(home.glob("lib/log4j-*.jar")))
        server = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain"
        command = [components.java(), *small, *log, "-cp", jars, server, str(layout.flink_conf / "zoo.cfg")]
        return _supervised(process, command, {})
    environment = {
        "FLINK_CONF_DIR": str(layout.flink_conf),
        "FLINK_LIB_DIR": str(layout.flink_lib),
        "FLINK_LOG_DIR": str(layout.logs / "flink"),
        "FLINK_PID_DIR": str(layout.flink / "pid"),
        "FLINK_IDENT_STRING": "livepulse",
        # Python functions that run inside the TaskManager look for their packages here.
        "PYTHONPATH": str(home.parent),
    }
    # What a process that was killed had there, a copy of its state among it, nobody would delete.
    scratch = str(layout.flink_tmp / process)
    emptied = ["bash", "-c", 'rm -rf "$0" && mkdir -p "$0" && exec "$@"', scratch]
    script = ["bash", str(home / "bin" / f"{process}.sh"), "start-foreground", "-D", f"io.tmp.dirs={scratch}"]
    return _supervised(process, [*emptied, *script], environment)


def _supervised(process: str, command: list[str], environment: dict[str, str]) -> Program:
    # -S: the launcher needs the standard library only, and starts faster without looking for more.
    return Program(process, shlex.join([sys.executable, "-S", str(_LAUNCH), *command]), environment)


def _kafka_listeners(settings: Settings) -> Iterator[Listener]:
    everyone = f"127.0.0.1:{settings.kafka_port}"
    if not settings.secure:
        yield Listener("PLAINTEXT", everyone, everyone)
        return
    yield Listener("CLIENT", everyone, everyone, protocol="SASL_SSL", mechanism="SCRAM-SHA-512")
    if components.clickhouse_is_library(settings):
        library = f"127.0.0.1:{settings.kafka_library_port}"
        yield Listener("LIBRARY", library, library, protocol="SASL_PLAINTEXT", mechanism="PLAIN")


def _clickhouse_users(settings: Settings) -> Iterator[ClickHouseUser]:
    """The configured user, who may do everything, and one of each role that has a password."""
    yield _clickhouse_admin(settings)
    for role in roles():
        if role != "admin" and (password := secrets.role_password(settings, role)):
            yield ClickHouseUser(role, _LOOPBACK, password_sha256=_sha256(password), role=role)


def _clickhouse_admin(settings: Settings) -> ClickHouseUser:
    user, password = settings.clickhouse_user, settings.clickhouse_password.get_secret_value()
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", user):
        hint = "Set LIVEPULSE_CLICKHOUSE_USER to letters, digits and _."
        raise UserError(f"{user!r} cannot be the name of the local ClickHouse's user.", hint)
    if password and user == "default" and not components.clickhouse_program():
        hint = "Set LIVEPULSE_CLICKHOUSE_USER to another name, for example livepulse, or install a clickhouse program."
        raise UserError("Without a clickhouse program, the user default of the local ClickHouse cannot have a password.", hint)
    if user in roles() and user != "admin":
        raise UserError(f"{user} is the user of another role in ClickHouse.", "Set LIVEPULSE_CLICKHOUSE_USER to another name.")
    return ClickHouseUser(user, _LOOPBACK, password_sha256=_sha256(password) if password else "")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
