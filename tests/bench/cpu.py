"""CPU seconds of processes between two moments that are known only afterwards, and the most memory that they had."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

_EVERY = 0.2
_LOOK_FOR_CHILDREN_EVERY = 5
"""In notes: it reads the whole process table."""
MACHINE = "machine"
"""Name of what all processes together used."""


class CpuHistory:
    """While it is open, notes what the processes have used, five times a second."""

    def __init__(self, processes: dict[str, psutil.Process], *, with_descendants: Collection[str] = ()) -> None:
        """Of the names `with_descendants` also what the process started counts, and what that did, also after it has ended."""
        self._members = {name: {process} for name, process in processes.items()}
        self._roots = [(name, processes[name]) for name in with_descendants]
        self._last: dict[psutil.Process, float] = {}
        self._times: list[float] = []
        self._used: list[dict[str, float]] = []
        self._resident: list[dict[str, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def between(self, began: float, ended: float) -> dict[str, float]:
        """CPU seconds by name from one time of the epoch to the other."""
        first, last = self._at(began), self._at(ended)
        return {name: last[name] - first[name] for name in first}

    def peak_memory(self, names: Collection[str]) -> int:
        """The most that these had resident together, in bytes."""
        return max(sum(resident[name] for name in names) for resident in self._resident)

    def __enter__(self) -> Self:
        self._note()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self._note()

    def _note(self) -> None:
        if not len(self._times) % _LOOK_FOR_CHILDREN_EVERY:
            for name, root in self._roots:
                with suppress(psutil.NoSuchProcess):
                    self._members[name].update(root.children(recursive=True))
        used, resident = {}, {}
        for name, members in self._members.items():
            resident[name] = 0
            for process in members:
                with suppress(psutil.NoSuchProcess):  # it has ended: what it used last stays
                    times = process.cpu_times()
                    self._last[process] = times.user + times.system
                    resident[name] += process.memory_info().rss
            used[name] = sum(self._last.get(process, 0.0) for process in members)
        machine = psutil.cpu_times()
        self._resident.append(resident)
        self._used.append(used | {MACHINE: machine.user + machine.nice + machine.system})
        self._times.append(time.time())

    def _at(self, moment: float) -> dict[str, float]:
        after = min(max(bisect_left(self._times, moment), 1), len(self._used) - 1)
        before = after - 1
        share = (moment - self._times[before]) / (self._times[after] - self._times[before])
        share = min(max(share, 0.0), 1.0)
        earlier, later = self._used[before], self._used[after]
        return {name: earlier[name] + share * (later[name] - earlier[name]) for name in earlier}
