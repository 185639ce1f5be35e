"""Submitting, stopping and resuming what computes, without losing or doubling a count."""

from __future__ import annotations

import time

import pytest

from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from tests.conftest import Cli
from tests.e2e.pipeline import new_prefix, send, wait_for

pytestmark = pytest.mark.timeout(600)


def part(number: int) -> list[Record]:
    """A part of one simulated broadcast, a new one for each number."""
    start = int(time.time() * 1_000) - 300_000
    settings = SimulationSettings(start_ms=start, seed=number, rate=500, rooms=3, events=15_000, room_prefix=new_prefix() + "room")
    return list(Simulation(settings).records())


def assert_verified(cli: Cli) -> None:
    wait_for(lambda: cli("verify", "--settle", "0").returncode == 0, "verify without a difference", 120)


def test_what_runs_is_left_alone_or_refused(cli: Cli) -> None:
    again = cli("jobs", "submit")
    assert again.returncode == 0
    assert "runs already" in again.stderr
    otherwise = cli("jobs", "submit", LIVEPULSE_MINI_BATCH_MS="400")
    assert otherwise.returncode == 1
    assert "livepulse jobs resume livepulse" in otherwise.stderr
    overlapping = cli("jobs", "submit", "repurchase")
    assert overlapping.returncode == 1
    assert "repurchase already runs" in overlapping.stderr
    assert "Traceback" not in otherwise.stderr + overlapping.stderr


def test_one_by_one_then_anew_to_the_same_numbers_without_waiting_for_a_checkpoint(cli: Cli, stack: Settings) -> None:
    assert cli("jobs", "stop", "--no-savepoint").returncode == 0
    assert cli("jobs", "submit", "repurchase").returncode == 0
    assert cli("jobs", "stop", "repurchase", "--no-savepoint").returncode == 0
    assert cli("jobs", "submit", LIVEPULSE_CHECKPOINT_SECONDS="3600").returncode == 0
    send(stack, part(4))
    assert_verified(cli)


def test_stop_with_savepoint_and_resume(cli: Cli, stack: Settings) -> None:
    send(stack, part(1))
    stopped = cli("jobs", "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "savepoint" in stopped.stderr
    assert cli("jobs", "status").returncode == 3
    send(stack, part(2))
    resumed = cli("jobs", "resume")
    assert resumed.returncode == 0, resumed.stderr
    send(stack, part(3))
    assert_verified(cli)
