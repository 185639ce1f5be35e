"""Stopping, resuming and losing the process that computes, without losing or doubling a count."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.recording import Record
from pipelines.simulate import Simulation, SimulationSettings
from tests.conftest import run_cli, settings_of, stack_environment
from tests.e2e.pipeline import send, wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A stack of its own: other tests do not like their jobs stopped."""
    environment = stack_environment(tmp_path_factory.mktemp("jobs"))
    try:
        for arguments in (("up",), ("migrate",), ("jobs", "submit")):
            done = run_cli(environment, *arguments)
            assert done.returncode == 0, done.stderr
        yield environment
    finally:
        run_cli(environment, "down")


def part(number: int) -> list[Record]:
    """A part of one simulated broadcast, a new one for each number."""
    start = int(time.time() * 1_000) - 300_000
    return list(Simulation(SimulationSettings(start_ms=start, seed=number, rate=500, rooms=3, events=15_000)).records())


def assert_verified(env: dict[str, str]) -> None:
    def holds() -> bool:
        return run_cli(env, "verify", "--settle", "0").returncode == 0

    wait_for(holds, "verify without a difference", 120)


def test_stop_with_savepoint_and_resume(env: dict[str, str]) -> None:
    settings = settings_of(env)
    send(settings, part(1))
    stopped = run_cli(env, "jobs", "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "savepoint" in stopped.stderr
    assert run_cli(env, "jobs", "status").returncode == 3
    send(settings, part(2))
    resumed = run_cli(env, "jobs", "resume")
    assert resumed.returncode == 0, resumed.stderr
    send(settings, part(3))
    assert_verified(env)


def test_a_killed_taskmanager_comes_back_and_nothing_is_lost(env: dict[str, str]) -> None:
    settings = settings_of(env)

    def checkpoints() -> tuple[bool, int, int]:
        """Whether it runs, how often it was restored, and how many checkpoints it has made."""
        [job] = json.loads(run_cli(env, "jobs", "status", "--json").stdout or "[{}]")
        found = job.get("checkpoints", {"restarts": 0, "completed": 0})
        return job.get("state") == "RUNNING", found["restarts"], found["completed"]

    send(settings, part(5))
    wait_for(lambda: checkpoints()[2] > 0, "a checkpoint to come back from")
    restored = checkpoints()[1]
    [pid] = [s["pid"] for s in json.loads(run_cli(env, "status", "--json").stdout)["services"] if s["name"] == "taskmanager"]
    os.kill(pid, signal.SIGKILL)
    send(settings, part(6))

    def restarted() -> bool:
        running, times, _ = checkpoints()
        return running and times > restored

    wait_for(restarted, "the application restarted from its checkpoint", 120)
    assert_verified(env)


def test_submitting_anew_counts_everything_again_to_the_same_numbers_without_waiting_for_a_checkpoint(env: dict[str, str]) -> None:
    assert run_cli(env, "jobs", "stop", "--no-savepoint").returncode == 0
    assert run_cli(env | {"LIVEPULSE_CHECKPOINT_SECONDS": "3600"}, "jobs", "submit").returncode == 0
    send(settings_of(env), part(4))
    assert_verified(env)


def test_one_by_one(env: dict[str, str]) -> None:
    assert run_cli(env, "jobs", "stop", "--no-savepoint").returncode == 0
    assert run_cli(env, "jobs", "submit", "repurchase").returncode == 0
    twice = run_cli(env, "jobs", "submit", "repurchase")
    assert twice.returncode == 1
    assert "already runs" in twice.stderr
    assert "Traceback" not in twice.stderr
    assert Path(env["LIVEPULSE_HOME"]).exists()
