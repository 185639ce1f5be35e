"""The samples as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.load.samples import Sample

_NAMED = 45.0
"""Seconds that a phase lasts to have its name written: those of shorter ones would lie on each other."""


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Freshness, memory, file handles and state over time; a line where another phase begins."""
    figure = Figure(figsize=(11, 9), layout="constrained")
    freshness, memory, files, state = figure.subplots(4, 1, sharex=True)
    minutes = [(sample.at - samples[0].at) / 60 for sample in samples]
    _lines(freshness, minutes, {"p50": [s.p50 for s in samples], "p99": [s.p99 for s in samples]})
    freshness.set(ylabel="produced to visible, s", yscale="log")
    for axis in (freshness.yaxis.set_major_formatter, freshness.yaxis.set_minor_formatter):
        axis("{x:g}")
    names = sorted(samples[-1].memory_mb)
    _lines(memory, minutes, {name: [s.memory_mb.get(name) for s in samples] for name in names})
    memory.set(ylabel="resident memory, MB", ylim=0)
    _lines(files, minutes, {name: [s.files.get(name) for s in samples] for name in names})
    files.set(ylabel="open files", ylim=0)
    _lines(state, minutes, {"at the last checkpoint": [s.state_mb for s in samples]})
    state.set(ylabel="Flink's state, MB", ylim=0, xlabel="minutes")
    phases = [list(looks) for _, looks in groupby(samples, lambda sample: sample.phase)]
    for phase in phases[1:]:
        begin = (phase[0].at - samples[0].at) / 60
        for axes in (freshness, memory, files, state):
            axes.axvline(begin, color="gray", linewidth=0.8, linestyle=":")
        if phase[-1].at - phase[0].at > _NAMED:
            freshness.annotate(phase[0].phase, (begin, 1), xycoords=("data", "axes fraction"), fontsize=8, rotation=20)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _lines(axes: Axes, minutes: list[float], series: Mapping[str, Sequence[float | None]]) -> None:
    for name, values in series.items():
        axes.plot(minutes, [float("nan") if value is None else value for value in values], label=name, linewidth=1.2)
    axes.legend(loc="upper left", fontsize=8)
    axes.grid(alpha=0.3)
