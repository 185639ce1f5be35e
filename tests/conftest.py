"""One stack for the whole test session: real Kafka, Flink and ClickHouse on free ports, with every job running."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pytest

from pipelines.settings import Settings
from pipelines.stack.components import COMPILED_AT_ONCE
from tests.golden.case import TIME_ZONE

# A shell that starts the tests in the background has them, and all they start, ignore Ctrl-C; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing here: a stack may be starting beside it.
hypothesis.settings.register_profile("livepulse", deadline=None)
hypothesis.settings.load_profile("livepulse")

CONTRACTS, E2E, FAULTS = (Path(__file__).parent / name for name in ("contracts", "e2e", "faults"))
LARGEST = E2E / "test_simulated_run.py"

Cli = Callable[..., subprocess.CompletedProcess[str]]

_given_out: set[int] = set()


def free_port() -> int:
    """A port that nobody has and that was not given out before, below those that the system hands out by itself."""
    while True:
        port = random.randrange(21_000, 32_000)
        with socket.socket() as probe:
            if port not in _given_out and probe.connect_ex(("127.0.0.1", port)):
                _given_out.add(port)
                return port


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
    ports = {f"LIVEPULSE_{name}": str(free_port()) for name in names}
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


def start_everything(environment: dict[str, str]) -> None:
    """Starts a stack's services and every job, as a user would."""
    for arguments in (("up",), ("migrate",), ("jobs", "submit")):
        done = run_cli(environment, *arguments)
        assert done.returncode == 0, f"livepulse {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


class SessionStack:
    """The session's stack. It starts in the background while tests that need no service run."""

    def __init__(self, home: Path) -> None:
        self._environment = stack_environment(home)
        self._start: Future[None] | None = None
        self._executor = ThreadPoolExecutor(1)

    def start(self) -> None:
        """Begin to start, unless that has begun."""
        self._start = self._start or self._executor.submit(start_everything, self._environment)

    def environment(self) -> dict[str, str]:
        """Its environment, once every job runs."""
        self.start()
        assert self._start is not None
        self._start.result()
        return self._environment

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self._start is not None:
            self._executor.shutdown(wait=True)
            run_cli(self._environment, "down")


def _needs_session_stack(item: pytest.Item) -> bool:
    return "stack_env" in getattr(item, "fixturenames", ())


def _order(item: pytest.Item) -> int:
    """First what starts services of its own, then what needs none, then what needs the session's stack. Of that, faults come
    while it is nearly empty, as recovering reads again what is there; and the largest run last, as each verifying reads it all."""
    if _needs_session_stack(item):
        return 2 if item.path.is_relative_to(FAULTS) else 4 if item.path == LARGEST else 3
    return 0 if item.path.is_relative_to(E2E) or item.path.is_relative_to(CONTRACTS) else 1


def pytest_configure() -> None:
    """Here and not above: what imports from this file may measure, with the JVMs that users have."""
    for name in [name for name in os.environ if name.startswith("LIVEPULSE_")]:
        if name not in ("LIVEPULSE_HOME", "LIVEPULSE_COMPONENTS"):
            del os.environ[name]  # the caller's own
    # Tests start dozens of JVMs, most for a minute: it takes a quarter off the time of one with a stack of its own.
    os.environ.setdefault("JDK_JAVA_OPTIONS", COMPILED_AT_ONCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts them so that no machine idles while a stack starts, and no stack while another is tested."""
    items.sort(key=_order)


@pytest.fixture(scope="session", autouse=True)
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionStack]:
    """The session's stack, started or not."""
    stack = SessionStack(tmp_path_factory.mktemp("stack"))
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(autouse=True)
def _stack_in_time(request: pytest.FixtureRequest, session_stack: SessionStack) -> None:
    if _order(request.node) == 1 and any(map(_needs_session_stack, request.session.items)):
        session_stack.start()


@pytest.fixture(scope="session")
def stack_env(session_stack: SessionStack) -> dict[str, str]:
    """The environment of the session's stack, which runs as long as the session."""
    return session_stack.environment()


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
