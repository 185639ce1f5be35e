"""Sending a simulation: each record at its time, or as fast as possible, and counting what was sent."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.produce import Stopped
from pipelines.recording import Record
from pipelines.simulate.simulation import Simulation

_TICK_EVERY = 500


@dataclass
class Run:
    """One run. `send` gets each record as it leaves; `idle` is called while there is nothing to send."""

    simulation: Simulation
    send: Callable[[Record], None]
    realtime: bool
    """Give each record the time at which it really leaves, instead of the simulated one."""
    ahead_of_clock: bool = False
    """Whether simulated times may lie ahead of the real time; else a run that gets there waits."""
    tick: Callable[[], None] = lambda: None
    idle: Callable[[], None] = lambda: None
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    topics: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    behind_ms: int = 0
    """By how much the machine lags behind the times that it should send at."""

    def run(self) -> None:
        """Send until the simulation ends or `stopped`."""
        with contextlib.suppress(Stopped):
            self._run()

    def _run(self) -> None:
        for batch in self.simulation.batches():
            for record in batch:
                timestamp_ms = record.timestamp_ms
                now_ms = int(self.clock() * 1_000)
                if timestamp_ms > now_ms and not self.ahead_of_clock:
                    if not self._wait(timestamp_ms / 1_000):
                        return
                    now_ms = max(timestamp_ms, int(self.clock() * 1_000))
                if self.realtime:
                    self.behind_ms = now_ms - timestamp_ms
                    record = Record(record.topic, record.key, now_ms, record.value, record.fault)
                self.send(record)
                self.topics[record.topic] += 1
                if record.fault:
                    self.malformed[record.fault] += 1
                self.sent += 1
                if not self.sent % _TICK_EVERY:
                    self.tick()
            if self.stopped():
                return

    def _wait(self, moment: float) -> bool:
        """Wait until then; False when stopped."""
        while (left := moment - self.clock()) > 0:
            if self.stopped():
                return False
            self.idle()
            self.tick()
            self.sleep(min(max(left, 0.002), 0.1))
        return not self.stopped()
