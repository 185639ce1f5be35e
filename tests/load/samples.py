"""What a stack uses and how fresh its numbers are, noted every ten seconds."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from statistics import linear_regression
from types import TracebackType
from typing import Self

import psutil

from pipelines.errors import UserError
from pipelines.flink import rest
from pipelines.watch.freshness import FreshnessProbe
from tests.faults.stack import Stack

_EVERY = 10.0


@dataclass(frozen=True)
class Sample:
    """One look; processes are called as `livepulse status` calls them."""

    at: float
    """Seconds since the epoch."""
    phase: str
    p50: float | None
    p99: float | None
    """From produced to visible, seconds, over the time since the last look."""
    memory_mb: dict[str, float]
    files: dict[str, int]
    """Open file handles."""
    state_mb: float | None
    """All that Flink remembered at the last checkpoint."""


class Sampler:
    """Looks in the background while it is open."""

    def __init__(self, stack: Stack, probe: FreshnessProbe) -> None:
        self.phase = "start"
        """What is going on; set by whoever runs it."""
        self.samples: list[Sample] = []
        self._stack, self._probe = stack, probe
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def of(self, phase: str) -> list[Sample]:
        """The looks while something went on."""
        return [sample for sample in self.samples if sample.phase == phase]

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            with suppress(psutil.NoSuchProcess):  # one that ended comes back: the next look has it
                self.samples.append(self._look())

    def _look(self) -> Sample:
        phase, fresh = self.phase, self._probe.recent(_EVERY)
        processes = {name: psutil.Process(state.pid) for name, state in self._stack.supervisor.states().items() if state.pid}
        return Sample(
            at=time.time(),
            phase=phase,
            p50=fresh.p50 if fresh else None,
            p99=fresh.p99 if fresh else None,
            memory_mb={name: process.memory_info().rss / 1e6 for name, process in processes.items()},
            files={name: process.num_fds() for name, process in processes.items()},
            state_mb=self._state_mb(),
        )

    def _state_mb(self) -> float | None:
        try:
            size = rest.checkpoints(self._stack.settings, self._stack.application()).state_bytes
        except UserError:
            return None
        return None if size is None else size / 1e6


def growth_per_hour(moments: list[float], values: list[float]) -> float:
    """By how much a line through the values rises in an hour, as a share of their mean; seconds since the epoch and any unit."""
    slope, _ = linear_regression(moments, values)
    return slope * 3_600 / (sum(values) / len(values))
