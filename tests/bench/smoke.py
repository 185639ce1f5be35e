"""`make bench-smoke`: all jobs against one plain Python process over the same events, in turn, and the ratio of their rates.

Starts Kafka and Flink of its own and stops them in the end. Ends with 0 whatever the ratio is: timings depend on the machine;
with 1 when one of them counted wrongly.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson
from rich.console import Console

from tests.bench import report
from tests.bench.contenders import Mismatch, Run, run_livepulse, run_python
from tests.bench.cpu import CpuHistory
from tests.bench.events import prepare
from tests.bench.stack import own_stack, processes
from tests.stopping import stop_in_order


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.smoke", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=4_000_000, help="how many to prepare (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each contender runs and counts (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything there")
    asked = parser.parse_args()
    stop_in_order()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)

    runs: list[Run] = []
    try:
        with own_stack() as settings:
            prepared = prepare(settings, asked.events)
            report.show_mix(console, prepared)
            with CpuHistory(processes(settings)) as cpu:
                # A JVM compiles what it runs often while it runs: its first minutes are start-up, and shown apart.
                warm_up = run_livepulse(settings, prepared, cpu, "bench-warm-up")
                console.print("Warming up the JVM; not in the ratio:")
                report.show_run(console, warm_up)
                for number in range(1, asked.rounds + 1):
                    runs.append(run_python(settings, prepared, cpu))
                    report.show_run(console, runs[-1])
                    runs.append(run_livepulse(settings, prepared, cpu, f"bench-{number}"))
                    report.show_run(console, runs[-1])
    except Mismatch as mismatch:
        console.print(f"WRONG: {mismatch}", markup=False)
        return 1
    report.show(console, runs)
    if asked.json:
        asked.json.write_bytes(orjson.dumps(report.as_json(prepared, warm_up, runs), option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
