"""Kafka, Flink and what else is wanted for one measurement: on free ports, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pipelines.settings import Settings
from pipelines.stack import lifecycle
from tests.conftest import stack_environment

SERVICES = ("kafka", "flink")


@contextmanager
def own_stack(services: Collection[str] = SERVICES) -> Iterator[Settings]:
    """These services while it is open; stopped and wiped also after an error."""
    with tempfile.TemporaryDirectory(prefix="livepulse-bench-", ignore_cleanup_errors=True) as home:
        settings = _settings(Path(home) / "home")
        try:
            lifecycle.up(settings, services, _say, _watch)
            yield settings
        finally:
            lifecycle.down(settings, services, _say, _watch)


def processes(settings: Settings, services: Collection[str] = SERVICES) -> dict[str, psutil.Process]:
    """The running processes of these services by name: kafka, jobmanager, taskmanager, …"""
    return {line.name: psutil.Process(line.pid) for line in lifecycle.status(settings, services) if line.pid}


def _settings(home: Path) -> Settings:
    """Today's defaults, whatever this shell and its `.env` say."""
    for name in [name for name in os.environ if name.startswith("LIVEPULSE_") and name != "LIVEPULSE_COMPONENTS"]:
        del os.environ[name]
    own = stack_environment(home)
    os.environ.update({name: value for name, value in own.items() if name.startswith("LIVEPULSE_")})
    return Settings(_env_file=None)


def _say(message: str) -> None:
    print(message, flush=True)


def _watch(names: list[str], seconds: float) -> None:
    pass
