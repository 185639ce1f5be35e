"""One metric family, counted by livepulse and by what could be taken instead: same records, same Kafka, in turn.

Starts Kafka, and what the contenders need beside it, on free ports and stops it in the end. Ends with 0 whatever the times are:
they depend on the machine; with 1 when a contender counted wrongly or failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson
from rich.console import Console

from pipelines.cli.progress import Progress, duration
from pipelines.stack.layout import SERVICES
from tests.bench.family import report
from tests.bench.family.contenders import BENCH_VENV, CONTENDERS, RAW_READ
from tests.bench.family.inputs import Shape
from tests.bench.family.plot import draw
from tests.bench.family.prepare import prepare
from tests.bench.family.run import KAFKA, Failed, Run, Wrong, python_of, run
from tests.bench.stack import own_stack, processes
from tests.stopping import stop_in_order


def main() -> int:
    asked = _arguments()
    wanted = asked.only or [contender.key for contender in CONTENDERS if asked.all or not contender.slow]
    chosen = [contender for contender in CONTENDERS if contender.key in wanted]
    if any(not python_of(contender).exists() for contender in chosen):
        print(f"{BENCH_VENV} is missing: make {BENCH_VENV}/.installed", file=sys.stderr)
        return 2
    stop_in_order()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    shape = Shape(events=asked.events, rooms=asked.rooms, users=asked.users, skew=asked.skew, text=asked.text)

    needed = {KAFKA}.union(*(contender.processes for contender in chosen))
    services = [service for service, parts in SERVICES.items() if needed.intersection(parts)]
    runs: list[Run] = []
    lost: dict[str, str] = {}
    # A broker that was just started is slower for whoever reads first.
    warm_up = [RAW_READ, *(contender for contender in chosen if contender.warm_up)]
    plan = [(contender, False) for contender in warm_up] + [
        (contender, True) for _ in range(asked.repetitions) for contender in chosen
    ]
    with own_stack(services) as settings:
        prepared = prepare(settings, shape)
        report.show_input(console, shape, prepared)
        stack = processes(settings, services)
        doing = ""

        def line(seconds: float, since: float) -> str:
            return f"{duration(seconds)}  {doing}"

        with Progress(line) as progress:
            for place, (contender, measured) in enumerate(plan, 1):
                if contender.name in lost:
                    continue
                doing = f"run {place} of {len(plan)}: {contender.name}"
                try:
                    done = run(contender, settings, prepared, stack, progress.tick)
                except (Wrong, Failed) as reason:
                    lost[contender.name] = f"{'WRONG' if isinstance(reason, Wrong) else 'FAILED'}: {reason}"
                    progress.say(f"{contender.name}: {lost[contender.name]}")
                    continue
                if measured:
                    runs.append(done)
                agree = ", rows agree" if contender.counts else ""
                progress.say(
                    f"{contender.name}: {shape.events / done.seconds:,.0f} events/s, {done.seconds:.1f} s, "
                    f"{done.cpu_seconds:.1f} CPU-s{agree}{'' if measured else ' (left out: warm-up)'}"
                )
    kept = [contender for contender in chosen if contender.name not in lost]
    found = report.figures(kept, runs, prepared.records.total())
    if found:
        report.show(console, found, lost)
        if asked.plot:
            draw(found, asked.plot)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_bytes(orjson.dumps(report.as_json(shape, prepared, found, lost), option=orjson.OPT_INDENT_2))
    return 1 if lost else 0


def _arguments() -> argparse.Namespace:
    shape, slow = Shape(), [one.key for one in CONTENDERS if one.slow]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.family", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=shape.events, help="how many to prepare (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="how often each contender runs and counts (default %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.key for one in CONTENDERS], help="run these: %(choices)s")
    parser.add_argument("--all", action="store_true", help=f"also those that take minutes: {', '.join(slow)}")
    parser.add_argument("--rooms", type=int, default=shape.rooms, help="(default %(default)s)")
    parser.add_argument("--users", type=int, default=shape.users, help="in all rooms together (default %(default)s)")
    parser.add_argument(
        "--skew", type=float, default=shape.skew,
        help="0: rooms are alike; 1: the n-th has an n-th of the first; 3.7: nine of ten events in one room (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--text", type=int, help="characters of a comment (default: as the simulator's, about 8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw it there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
