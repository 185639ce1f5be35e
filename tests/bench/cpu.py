"""CPU seconds of processes between two moments that are known only afterwards."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

_EVERY = 0.2
MACHINE = "machine"
"""Name of what all processes together used."""


class CpuHistory:
    """While it is open, notes what the processes have used, five times a second."""

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        self._processes = processes
        self._times: list[float] = []
        self._used: list[dict[str, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def between(self, began: float, ended: float) -> dict[str, float]:
        """CPU seconds by name from one time of the epoch to the other."""
        first, last = self._at(began), self._at(ended)
        return {name: last[name] - first[name] for name in first}

    def __enter__(self) -> Self:
        self._note()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with suppress(psutil.NoSuchProcess):  # one that ended: its run fails for that, with a better reason
            while not self._over.wait(_EVERY):
                self._note()

    def _note(self) -> None:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        used = {name: one.user + one.system for name, one in times.items()}
        machine = psutil.cpu_times()
        self._used.append(used | {MACHINE: machine.user + machine.nice + machine.system})
        self._times.append(time.time())

    def _at(self, moment: float) -> dict[str, float]:
        after = min(max(bisect_left(self._times, moment), 1), len(self._used) - 1)
        before = after - 1
        share = (moment - self._times[before]) / (self._times[after] - self._times[before])
        share = min(max(share, 0.0), 1.0)
        earlier, later = self._used[before], self._used[after]
        return {name: earlier[name] + share * (later[name] - earlier[name]) for name in earlier}
