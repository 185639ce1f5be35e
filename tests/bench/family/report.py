"""The figures for people and for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.events import RATE, SEED
from tests.bench.family.contenders import PYTHON, Contender
from tests.bench.family.inputs import Shape
from tests.bench.family.prepare import Prepared
from tests.bench.family.run import Run, python_of

_STEADY_EVENTS = 1_000_000
_NOISY_SHARE = 0.1


@dataclass(frozen=True)
class Figures:
    """All runs of one contender that counted right; every figure is a median."""

    contender: Contender
    version: str | None
    runs: Sequence[Run]
    events: int
    """Read in each run."""

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.of(lambda run: run.seconds)

    @property
    def slowest_and_fastest(self) -> tuple[float, float]:
        """Events per second."""
        seconds = [run.seconds for run in self.runs]
        return self.events / max(seconds), self.events / min(seconds)

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds for a million events, without the broker's."""
        return self.of(lambda run: run.cpu_seconds) * 1_000_000 / self.events

    @property
    def kafka_cpu_per_million(self) -> float:
        return self.of(lambda run: run.kafka_cpu_seconds) * 1_000_000 / self.events

    @property
    def memory_mb(self) -> float:
        return self.of(lambda run: run.peak_memory_bytes) / 1_000_000

    def of(self, figure: Callable[[Run], float]) -> float:
        """The median of one figure."""
        return median(map(figure, self.runs))


def figures(contenders: Sequence[Contender], runs: Sequence[Run], events: int) -> list[Figures]:
    """Of those with at least one run, in their order."""
    by_key = {contender.key: [run for run in runs if run.contender == contender.key] for contender in contenders}
    return [Figures(one, _version(one), by_key[one.key], events) for one in contenders if by_key[one.key]]


def show_input(console: Console, shape: Shape, prepared: Prepared) -> None:
    """What the topics hold."""
    total, copies = prepared.records.total(), prepared.copies.total()
    mix = ", ".join(f"{topic} {records / total:.1%}" for topic, records in prepared.records.most_common())
    console.print(f"{total:,} records ({mix}), of which {copies:,} are copies; {len(prepared.every):,} rows must come out.")
    console.print(
        f"{shape.rooms:,} rooms (skew {shape.skew:g}), {shape.users:,} users, comments of "
        f"{shape.text or 'about 8'} characters, {RATE:,} records in a second of event time, seed {SEED}."
    )


def show(console: Console, found: Sequence[Figures], lost: Mapping[str, str]) -> None:
    """The table; then what was wrong."""
    python = next((one for one in found if one.contender is PYTHON), None)
    table = Table("", box=None, header_style="bold")
    table.add_column("Copies")
    for column in (
        "Events/s",
        "slowest – fastest",
        "× Python",
        "CPU-s per million",
        "broker's",
        "Peak MB",
        "Start-up s",
        "CPU of others",
    ):
        table.add_column(column, justify="right")
    for one in found:
        slowest, fastest = one.slowest_and_fastest
        table.add_row(
            f"{one.contender.name} ({one.version})" if one.version else one.contender.name,
            "" if not one.contender.counts else "found" if one.contender.handles_duplicates else "counted",
            f"{one.rate:,.0f}",
            f"{slowest:,.0f} – {fastest:,.0f}",
            f"{one.rate / python.rate:.2f}" if python else "",
            f"{one.cpu_per_million:.1f}",
            f"{one.kafka_cpu_per_million:.1f}",
            f"{one.memory_mb:,.0f}",
            f"{one.of(lambda run: run.start_up_seconds):.1f}",
            f"{one.of(lambda run: run.others_share):.0%}",
        )
    console.print(table)
    console.print(
        f"Medians of {max(len(one.runs) for one in found)} runs each, taken in turn; every row of every run equals the recount."
    )
    if found[0].events < _STEADY_EVENTS:
        console.print(f"Fewer than {_STEADY_EVENTS:,} events: this is mostly how programs warm up, and no rate.")
    if (noise := max(run.others_share for one in found for run in one.runs)) > _NOISY_SHARE:
        console.print(f"Other processes had up to {noise:.0%} of the CPUs: measure again on a quiet machine.")
    for name, reason in lost.items():
        console.print(f"{name}: {reason}", markup=False, style="red")


def as_json(shape: Shape, prepared: Prepared, found: Sequence[Figures], lost: Mapping[str, str]) -> dict[str, Any]:
    """Everything."""
    python = next((one for one in found if one.contender is PYTHON), None)
    return {
        "cpus": os.cpu_count(),
        "input": asdict(shape)
        | {
            "seed": SEED,
            "rate": RATE,
            "records": prepared.records,
            "copies": prepared.copies,
            "rows": len(prepared.every),
        },
        "contenders": [
            asdict(one.contender)
            | {
                "version": one.version,
                "events_per_second": round(one.rate),
                "slowest_and_fastest": [round(rate) for rate in one.slowest_and_fastest],
                "ratio_to_python": round(one.rate / python.rate, 3) if python else None,
                "cpu_seconds_per_million": round(one.cpu_per_million, 2),
                "kafka_cpu_seconds_per_million": round(one.kafka_cpu_per_million, 2),
                "peak_memory_mb": round(one.memory_mb),
                "start_up_seconds": round(one.of(lambda run: run.start_up_seconds), 2),
                "runs": [asdict(run) for run in one.runs],
            }
            for one in found
        ],
        "lost": lost,
    }


def _version(contender: Contender) -> str | None:
    if contender.package is None:
        return None
    packages = python_of(contender).parents[1] / "lib" / "python3.11" / "site-packages"
    found = next(iter(metadata.distributions(name=contender.package, path=[str(packages)])), None)
    return found.version if found else None
