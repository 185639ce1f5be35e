"""The figures for people and for programs."""

from __future__ import annotations

import os
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.contenders import LIVEPULSE, PYTHON, Run
from tests.bench.events import RATE, ROOMS, SEED, Prepared

AIM = 0.20
_STEADY_EVENTS = 1_000_000
_NOISY_SHARE = 0.1
_BUSIEST = 8


def show_mix(console: Console, prepared: Prepared) -> None:
    """What the topics hold."""
    table = Table("Prepared events", box=None, header_style="bold")
    for column in ("Records", "Share", "Late", "Dead letters"):
        table.add_column(column, justify="right")
    for topic, records in prepared.records.most_common():
        late, dead = prepared.late[topic], prepared.dead[topic]
        table.add_row(topic, f"{records:,}", f"{records / prepared.total:.1%}", f"{late:,}", f"{dead:,}")
    table.add_row("all", f"{prepared.total:,}", "", f"{prepared.late.total():,}", f"{prepared.dead.total():,}", style="bold")
    console.print(table)
    console.print(
        f"{prepared.simulated_seconds:,.0f} s of {ROOMS} rooms, seed {SEED}; "
        f"about {prepared.duplicates:,} twice, {prepared.disordered:,} out of order"
    )


def show_run(console: Console, run: Run) -> None:
    """One line as soon as a run is over."""
    console.print(f"{run.contender}: {run.rate:,.0f} events/s, {run.seconds:.1f} s, counts agree")


def show(console: Console, runs: list[Run]) -> None:
    """The table, the busiest vertices, and the ratio as the last line."""
    table = Table("From the first record to the last", box=None, header_style="bold")
    for column in ("Events/s", "Seconds", "CPU-s per million", "Broker's", "CPU of others"):
        table.add_column(column, justify="right")
    for run in runs:
        table.add_row(run.contender, *_figures(run))
    for name in (PYTHON, LIVEPULSE):
        rates = _rates(runs, name)
        spread = (max(rates) - min(rates)) / median(rates)
        table.add_row(f"{name}, median", f"{median(rates):,.0f}", "", f"spread {spread:.0%}", style="bold")
    console.print(table)
    busiest = Table("Busiest vertices (last run)", box=None, header_style="bold")
    for column in ("Busy ms/s", "Held up ms/s", "Read", "Written"):
        busiest.add_column(column, justify="right")
    last: Any = [run for run in runs if run.contender == LIVEPULSE][-1].details["vertices"]
    for vertex in last[:_BUSIEST]:
        times = f"{vertex.busy_ms_per_second:.0f}", f"{vertex.backpressured_ms_per_second:.0f}"
        busiest.add_row(_short(vertex.name), *times, f"{vertex.records_read:,}", f"{vertex.records_written:,}")
    console.print(busiest)
    if runs[0].events < _STEADY_EVENTS:
        console.print(f"Fewer than {_STEADY_EVENTS:,} events: this is mostly how the JVM warms up, and no rate.")
    if (noise := max(run.others_share for run in runs)) > _NOISY_SHARE:
        console.print(f"Other processes had up to {noise:.0%} of the CPUs: measure again on a quiet machine.")
    console.print(f"By the CPU time of each, without the broker's: {_cpu_ratio(runs):.2f}")
    ratio = _ratio(runs)
    console.print("The aim is reached." if ratio >= AIM else "The aim is NOT reached.")
    console.print(f"whole set / one-process Python consumer: {ratio:.2f} (aim {AIM:.2f})")


def as_json(prepared: Prepared, warm_up: Run, runs: list[Run]) -> dict[str, Any]:
    """Everything."""
    pairs = zip(_rates(runs, LIVEPULSE), _rates(runs, PYTHON), strict=True)
    return {
        "ratio": round(_ratio(runs), 4),
        "aim": AIM,
        "reached": _ratio(runs) >= AIM,
        "ratio_by_cpu_time": round(_cpu_ratio(runs), 4),
        "ratio_by_round": [round(livepulse / python, 4) for livepulse, python in pairs],
        "rates": {name: {"median": median(_rates(runs, name)), "all": _rates(runs, name)} for name in (PYTHON, LIVEPULSE)},
        "cpus": os.cpu_count(),
        "events": {
            "total": prepared.total,
            "records": prepared.records,
            "late": prepared.late,
            "dead_letters": prepared.dead,
            "duplicates": prepared.duplicates,
            "disordered": prepared.disordered,
            "simulated_seconds": prepared.simulated_seconds,
            "seed": SEED,
            "rate": RATE,
            "rooms": ROOMS,
        },
        "warm_up": _as_json(warm_up),
        "runs": [_as_json(run) for run in runs],
    }


def _as_json(run: Run) -> dict[str, Any]:
    return asdict(run) | {"events_per_second": round(run.rate, 1)}


def _figures(run: Run) -> tuple[str, ...]:
    cpu = f"{_own_cpu(run):.1f}", f"{run.cpu_per_million('kafka'):.1f}"
    return f"{run.rate:,.0f}", f"{run.seconds:.1f}", *cpu, f"{run.others_share:.0%}"


def _own_cpu(run: Run) -> float:
    return run.cpu_per_million("consumer") if run.contender == PYTHON else run.cpu_per_million("taskmanager", "jobmanager")


def _short(name: str) -> str:
    """The first operator and the last, without where its table is."""
    parts = [part.strip().rpartition("default_database.")[2] for part in name.split("->")]
    return parts[0] if len(parts) == 1 else f"{parts[0]} … {parts[-1]}"


def _ratio(runs: list[Run]) -> float:
    return median(_rates(runs, LIVEPULSE)) / median(_rates(runs, PYTHON))


def _cpu_ratio(runs: list[Run]) -> float:
    own = {name: median(_own_cpu(run) for run in runs if run.contender == name) for name in (PYTHON, LIVEPULSE)}
    return own[PYTHON] / own[LIVEPULSE]


def _rates(runs: list[Run], contender: str) -> list[float]:
    return [run.rate for run in runs if run.contender == contender]
