"""One stack for the whole test session: real Kafka, Flink and ClickHouse on free ports, with every job running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.golden.case import TIME_ZONE

# A shell that starts the tests in the background has them, and all they start, ignore Ctrl-C; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

Cli = Callable[..., subprocess.CompletedProcess[str]]


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def stack_environment(home: Path) -> dict[str, str]:
    """The variables of a stack of its own: nothing of the caller's LIVEPULSE_ settings but where components are."""
    names = (
        "KAFKA_PORT",
        "KAFKA_CONTROLLER_PORT",
        "FLINK_PORT",
        "FLINK_RPC_PORT",
        "ZOOKEEPER_PORT",
        "CLICKHOUSE_PORT",
        "CLICKHOUSE_HTTP_PORT",
        "BOARD_PORT",
    )
    ports = {f"LIVEPULSE_{name}": str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LIVEPULSE_") or k == "LIVEPULSE_COMPONENTS"}
    return inherited | ports | {"LIVEPULSE_HOME": str(home), "LIVEPULSE_TIME_ZONE": TIME_ZONE, "COLUMNS": "160", "NO_COLOR": "1"}


def run_cli(environment: dict[str, str], *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Runs `livepulse` as a user would."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("livepulse")), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="session")
def stack_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the session's stack, which runs as long as the fixture lives."""
    environment = stack_environment(tmp_path_factory.mktemp("stack"))

    def must(*arguments: str) -> None:
        done = run_cli(environment, *arguments)
        assert done.returncode == 0, f"livepulse {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"

    try:
        must("up")
        must("migrate")
        must("jobs", "submit")
        yield environment
    finally:
        run_cli(environment, "down")


@pytest.fixture(scope="session")
def stack(stack_env: dict[str, str]) -> Settings:
    """The settings of the session's stack."""
    settings = settings_of(stack_env)
    _keep_forever(settings)
    return settings


@pytest.fixture(scope="session")
def cli(stack_env: dict[str, str]) -> Cli:
    """`livepulse`, talking to the session's stack."""

    def run(*arguments: str, timeout: float = 300, **overrides: str) -> subprocess.CompletedProcess[str]:
        return run_cli(stack_env | overrides, *arguments, timeout=timeout)

    return run


def settings_of(environment: dict[str, str]) -> Settings:
    """The settings that a process with this environment has."""
    own = {k.removeprefix("LIVEPULSE_").lower(): v for k, v in environment.items() if k.startswith("LIVEPULSE_")}
    return Settings.model_validate(own, strict=False)


def _keep_forever(settings: Settings) -> None:
    """Golden cases and recordings are of other years: no broker may think them old."""
    from pipelines.produce import Retention
    from schemas.topics import topics

    retention = Retention(settings.kafka_address, topics(), keep_forever=True)
    for topic in topics():
        retention.check(topic, timestamp_ms=0)
