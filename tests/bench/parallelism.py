"""All jobs with one task each on one core, then with two tasks on two: how far a second core goes.

`make bench-parallelism`. Ends with 1 when something was counted wrongly, whatever the ratio is. What Kafka uses is shown: with two
tasks it takes it from the cores that the tasks have.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection
from statistics import median

import psutil
from rich.console import Console

from tests.bench import report
from tests.bench.contenders import Mismatch, Run, run_livepulse
from tests.bench.cpu import CpuHistory
from tests.bench.events import prepare
from tests.bench.stack import own_stack, processes
from tests.stopping import stop_in_order


def main() -> int:
    """Runs both by turns and prints the ratio of the medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.parallelism", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=3_000_000, help="how many to prepare (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each runs and counts (default %(default)s)")
    asked = parser.parse_args()
    stop_in_order()
    console = Console(highlight=False, soft_wrap=True)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("this needs two cores")
    runs: dict[int, list[Run]] = {1: [], 2: []}
    try:
        with own_stack() as settings:
            prepared = prepare(settings, asked.events)
            report.show_mix(console, prepared)
            found = processes(settings)
            with CpuHistory(found) as cpu:
                for number in range(asked.rounds + 1):
                    for tasks in (2, 1):
                        _keep_on(cores[-tasks:], found["taskmanager"])
                        told = settings.model_copy(update={"parallelism": tasks})
                        run = run_livepulse(told, prepared, cpu, f"bench-{number}-{tasks}")
                        if number:  # before that the JVM compiles
                            runs[tasks].append(run)
                        console.print(
                            f"{tasks} {'tasks on 2 cores' if tasks > 1 else 'task on 1 core'}: {run.rate:,.0f} events/s, "
                            f"{run.cpu['kafka'] / run.seconds:.2f} of a core for Kafka, counts agree"
                            f"{'' if number else ' (left out: warm-up)'}"
                        )
    except Mismatch as mismatch:
        console.print(f"WRONG: {mismatch}", markup=False)
        return 1
    one, two = (median(run.rate for run in runs[tasks]) for tasks in (1, 2))
    console.print(f"2 tasks on 2 cores: {two / one:.2f} x of 1 task on 1 core (medians of {asked.rounds})")
    return 0


def _keep_on(cores: Collection[int], process: psutil.Process) -> None:
    """Has every thread of a process, and those that they start, run on these cores alone."""
    for thread in process.threads():
        try:
            os.sched_setaffinity(thread.id, cores)
        except ProcessLookupError:
            continue  # it has ended


if __name__ == "__main__":
    sys.exit(main())
