"""`make faults SEEDS=5`: every case with every seed on a stack of its own.

Exit 1 when anything was lost, doubled or wrong, or a case did not come to its end.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections import deque
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console

from tests.faults import report
from tests.faults.cases import CASES
from tests.faults.run import Result, run
from tests.faults.stack import own_stack
from tests.stopping import stop_in_order

LOGS = Path("build/faults")
"""Where the logs of a stack go on which a case did not come to its end."""


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which; all when left out: {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=1, help="how often each case runs, each time otherwise (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every result there")
    asked = parser.parse_args()
    if unknown := set(asked.cases) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    stop_in_order()
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL + 1)  # a service that is away is what is tested
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
    results: list[Result] = []
    unfinished = 0
    left = deque((name, seed) for seed in range(1, asked.seeds + 1) for name in asked.cases or CASES)
    while left:
        with own_stack(LIVEPULSE_CHECKPOINT_SECONDS="10") as stack:
            while left:
                name, seed = left.popleft()
                try:
                    results.append(run(stack, CASES[name], seed))
                except Exception as error:  # the others are to be seen too, on a stack that is well
                    unfinished += 1
                    logs = shutil.copytree(stack.layout.logs, LOGS / f"{name}-{seed}", dirs_exist_ok=True)
                    console.print(f"ENDED {name} seed {seed}: {error!r} (logs: {logs})", markup=False)
                    break
                console.print(report.line(results[-1]), markup=False)
                if results[-1].differences:
                    console.print(results[-1].differences, markup=False)
                if asked.json:
                    asked.json.write_bytes(orjson.dumps([asdict(result) for result in results], option=orjson.OPT_INDENT_2))
    console.print(report.table(results))
    return 0 if not unfinished and all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
