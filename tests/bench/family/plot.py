"""The figures as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tests.bench.family.report import Figures

_FOUND, _COUNTED, _LIMIT = "#1f77b4", "#9ecae1", "#bdbdbd"


def draw(found: Sequence[Figures], path: Path) -> None:
    """Events a second with the slowest and the fastest run, CPU for a million events, and memory; the fastest on top."""
    ordered = sorted(found, key=lambda one: one.rate)
    figure = Figure(figsize=(11, 1.4 + 0.42 * len(ordered)), layout="constrained")
    rates, cpu, memory = figure.subplots(1, 3, sharey=True, width_ratios=(3, 2, 2))
    thousands = [one.rate / 1_000 for one in ordered]
    spread = [[abs(one.rate - one.slowest_and_fastest[end]) / 1_000 for one in ordered] for end in (0, 1)]
    _bars(rates, ordered, thousands, spread)
    rates.set(xlabel="thousand events/s: median, slowest and fastest run")
    _bars(cpu, ordered, [one.cpu_per_million for one in ordered])
    cpu.set(xlabel="CPU-s per million events")
    _bars(memory, ordered, [one.memory_mb for one in ordered])
    memory.set(xlabel="peak memory, MB")
    colours = {"duplicates found": _FOUND, "duplicates counted": _COUNTED, "limit: counts nothing": _LIMIT}
    handles = [Patch(color=colour, label=label) for label, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _bars(axes: Axes, ordered: Sequence[Figures], values: list[float], spread: list[list[float]] | None = None) -> None:
    bars = axes.barh([one.contender.name for one in ordered], values, xerr=spread, color=[_colour(one) for one in ordered])
    axes.bar_label(bars, fmt="{:,.0f}" if max(values) >= 100 else "{:,.1f}", fontsize=8, padding=3)
    axes.margins(x=0.15)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", alpha=0.3)


def _colour(one: Figures) -> str:
    return _LIMIT if not one.contender.counts else _FOUND if one.contender.handles_duplicates else _COUNTED
