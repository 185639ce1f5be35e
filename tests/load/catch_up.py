"""`make catch-up`: how fast the jobs make up for a minute in which they did not run, at a high rate.

Twice on one stack: first nobody sends any more when they come back, which shows what the jobs can do; then events go on coming, as
they do for an operator. Both include storage. Exit 1 when numbers did not become fresh again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from clickhouse_driver import Client

from pipelines.clickhouse import connect
from pipelines.watch.simulator import Simulator
from tests.e2e.pipeline import wait_for
from tests.faults.stack import Stack, own_stack, pause
from tests.load import FRESH_SECONDS, ROOMS
from tests.stopping import stop_in_order

_WARM_SECONDS, _STOPPED_SECONDS = 120, 60
_RECOVERS_WITHIN = 900.0
_SLOWEST = """SELECT toUnixTimestamp64Milli(min(newest)) / 1000
FROM (
    SELECT 'dwell' AS job, room_id, max(last_record_at) AS newest FROM broadcast_10s_counters GROUP BY room_id
    UNION ALL
    SELECT 'interaction', room_id, max(last_record_at) FROM broadcast_1m_counters GROUP BY room_id
)
WHERE newest > toDateTime64(%(live)s, 3)"""
"""The newest record that is counted, in the room and job that are most behind: no fast partition hides a slow one."""


@dataclass(frozen=True)
class CaughtUp:
    """One stop and what came after."""

    behind: float
    """Seconds of events that were not counted when the first number changed again."""
    seconds: float
    """From then until all were counted that there were."""

    @property
    def speed(self) -> float:
        """Seconds of events counted in a second."""
        return self.behind / self.seconds


def main() -> int:
    """Runs both and prints what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.catch_up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, default=10_000, help="events a second (default %(default)s)")
    asked = parser.parse_args()
    stop_in_order()
    with own_stack() as stack, connect(stack.settings) as client:
        os.environ.update(stack.environment)  # the simulator has its settings from there
        for go_on in (False, True):
            found = _run(stack, client, asked.rate, go_on)
            print(
                f"{asked.rate:,}/s, {'events go on coming' if go_on else 'nobody sends any more'}: {found.behind:.0f} s of events "
                f"counted in {found.seconds:.0f} s, {found.speed:.1f} x real time",
                flush=True,
            )
    return 0


def _run(stack: Stack, client: Client, rate: int, go_on: bool) -> CaughtUp:
    with Simulator(stack.layout.logs / f"simulate-{go_on}.log", rate, ROOMS, seed=1 + go_on, duration=None) as simulator:
        time.sleep(_WARM_SECONDS)
        stack.livepulse("jobs", "stop")
        stopped = time.time()
        pause(_STOPPED_SECONDS)
        if not go_on:
            simulator.stop()
        end = None if go_on else time.time()
        newest = partial(_newest, client, stopped - 30)
        before = newest()
        with ThreadPoolExecutor(1) as executor:  # it returns when the jobs run: they may be done by then
            resumed = executor.submit(stack.livepulse, "jobs", "resume")
            wait_for(lambda: newest() > before, "progress", _RECOVERS_WITHIN)
            began, first = time.time(), newest()  # Flink has read for a while when the first number is there
            wait_for(lambda: newest() > (end or time.time()) - FRESH_SECONDS, "fresh numbers", _RECOVERS_WITHIN)
            found = CaughtUp(newest() - first, time.time() - began)
            resumed.result()
        return found


def _newest(client: Client, live: float) -> float:
    """Seconds since the epoch; rooms that had no record since `live` are over."""
    [(newest,)] = client.execute(_SLOWEST, {"live": int(live)})
    return float(newest)


if __name__ == "__main__":
    sys.exit(main())
