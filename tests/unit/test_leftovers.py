"""What a killed stack leaves behind is found, and nothing else: it is going to be ended."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pipelines.settings import Settings
from pipelines.stack import components, config
from pipelines.stack.layout import Layout
from pipelines.stack.ports import leftovers

HOME = Path("/home/me/.livepulse")
SETTINGS = Settings(_env_file=None, home=HOME, components=Path("/components"))

JVM = "java -XX:+UseSerialGC -Dlog4j.configuration=file:{home}/flink/conf/log4j-console.properties -classpath a.jar:b.jar"
JOBMANAGER = f"{JVM} org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint -D a=1b --configDir {{home}}/flink/conf"
TASKMANAGER = f"{JVM} org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir {{home}}/flink/conf -D a=1b"
CLICKHOUSE = "{program} server --config-file {home}/clickhouse/conf/config.xml"


def found(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> bool:
    """Whether a process with this command line is one of the stack in HOME."""
    monkeypatch.setattr(psutil, "process_iter", lambda _: [SimpleNamespace(info={"pid": 42, "cmdline": command})])
    return leftovers(Layout.of(SETTINGS)) == [42]


@pytest.mark.parametrize("program", ["/usr/bin/clickhouse", None])
@pytest.mark.parametrize("process", ["kafka", "clickhouse", "zookeeper"])
def test_what_the_supervisor_starts(process: str, program: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "clickhouse_program", lambda: program)
    monkeypatch.setattr(components, "clickhouse_library", lambda _: Path("/components/libchdb.so"))
    launched = shlex.split(config._program(SETTINGS, process).command)
    assert found(monkeypatch, launched[3:])  # behind python -S launch.py, which becomes the program


@pytest.mark.parametrize("command", [JOBMANAGER, TASKMANAGER, CLICKHOUSE], ids=["jobmanager", "taskmanager", "watchdog"])
def test_what_those_become(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, command.format(home=HOME, program="clickhouse-watchdog").split())


@pytest.mark.parametrize(
    "command",
    [
        f"grep -rn server {HOME}/logs",
        f"grep -rn kafka.Kafka {HOME}/logs",
        f"less {HOME}/logs/kafka.log kafka.Kafka",
        f"vim server {HOME}/clickhouse/conf/config.xml",
        f"vim server --config-file {HOME}/clickhouse/conf/config.xml",
        f"python -m http.server --directory {HOME}/logs",
        f"java -cp x.jar org.example.Server kafka.Kafka {HOME}/kafka/conf/server.properties",
        f"java -cp x.jar kafka.tools.StorageTool format @{HOME}/secrets/kafka-format",
        f"java -jar tool.jar {HOME}/flink/conf",
        f"java -cp x.jar org.apache.flink.runtime.util.bash.BashJavaUtils A --configDir {HOME}/flink/conf",
        *(command.format(home="/home/me/.livepulse2", program="clickhouse") for command in (JOBMANAGER, TASKMANAGER, CLICKHOUSE)),
        "",
    ],
)
def test_what_only_speaks_of_it_or_is_of_another_stack(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not found(monkeypatch, command.split())
