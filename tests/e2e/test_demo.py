"""`livepulse demo` from nothing to nothing: it starts everything, shows numbers, proves them and stops what it started."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.conftest import run_cli, stack_environment


def _processes_of(home: Path) -> list[str]:
    """Command lines of the processes that were started with this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LIVEPULSE_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:200])
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(900)
def test_the_demo_shows_right_numbers_and_leaves_nothing_running(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = stack_environment(home)
    try:
        ran = run_cli(environment, "demo", "--duration", "20", "--rate", "500", "--seed", "7", "--json", timeout=840)
    finally:
        left = _processes_of(home)
        run_cli(environment, "down")

    assert ran.returncode == 0, ran.stderr
    assert "0 lost, 0 extra, 0 wrong" in ran.stderr
    assert "Nothing is left running." in ran.stderr
    assert f"The board is at http://127.0.0.1:{environment['LIVEPULSE_BOARD_PORT']}/" in ran.stderr
    assert left == []

    found = json.loads(ran.stdout)
    assert found["holds"] and found["verdict"].startswith("0 lost, 0 extra, 0 wrong in ")
    assert found["missing_metrics"] == []
    assert found["sent"]["failed"] == 0
    assert found["totals"]["received"] == found["sent"]["delivered"] > 5_000
    assert found["totals"]["dead_letters"] == sum(found["sent"]["malformed"].values()) > 0
    assert found["overdue_events"] == 0
    assert 0 < found["freshness"]["p50"] <= found["freshness"]["p99"] <= found["freshness"]["maximum"]
    # All that counts is measured: what was sent less copies, late and broken events, and a little that came in sideways.
    assert found["freshness"]["events"] > 0.8 * found["sent"]["sent"]
    assert set(found["freshness_by_job"]) == {"dwell", "interaction", "conversion"}

    biggest = found["rooms"][0]
    assert biggest["viewers_now"] > 0
    assert biggest["viewers"] >= biggest["peak_viewers"] >= biggest["viewers_now"]
    assert 0 < biggest["interaction_rate"] < 1
    assert 0 < biggest["average_watch_seconds"] <= 40
    assert 0 < biggest["conversion_rate"] < 1
    assert biggest["money"][0]["paid"] > 0
    assert biggest["new_buyers"] > 0
    assert biggest["basis"] == "exact"
    assert found["repurchase"]["buyers"] > 0
