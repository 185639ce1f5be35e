"""How old the newest visible number is, watched from outside while something breaks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from clickhouse_driver import Client

from pipelines.clickhouse import connect
from pipelines.settings import Settings

_EVERY = 0.25
FRESH = 3.0
"""Seconds: a number that is older is not fresh."""
_STEADY = 2.0
"""Seconds for which numbers must be fresh before something counts as recovered."""


@dataclass(frozen=True)
class Sample:
    """One look: when it was, and the time of the newest record that was counted, both in seconds since the epoch."""

    at: float
    newest: float

    @property
    def age(self) -> float:
        return self.at - self.newest


class FreshnessWatch:
    """Looks at the rooms of a feed several times a second. A look that fails is none: the age grows until one succeeds."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._settings, self._prefix = settings, prefix
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="freshness", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def is_fresh(self) -> bool:
        """Whether numbers have been fresh for a while, up to now."""
        now = time.time()
        recent = [sample for sample in list(self._samples) if sample.at > now - _STEADY]
        return len(recent) >= 3 and all(sample.age < FRESH for sample in recent)

    def recovery_seconds(self, since: float) -> float:
        """From the fault to the last moment at which numbers were not fresh; 0 when they always were."""
        stale = [sample.at for sample in self._after(since) if sample.age >= FRESH]
        return max(stale) - since if stale else 0.0

    def longest_gap(self, since: float) -> float:
        """The greatest age of the newest number, seconds."""
        return max((sample.age for sample in self._after(since)), default=0.0)

    def catch_up(self, since: float) -> float | None:
        """Seconds of events counted in a second, from the first progress after the gap until numbers were fresh.

        None when there was nothing to catch up with.
        """
        samples = self._after(since)
        if not samples or max(sample.age for sample in samples) < 2 * FRESH:
            return None
        oldest = max(range(len(samples)), key=lambda n: samples[n].age)
        rest = samples[oldest:]
        end = next((sample for sample in rest if sample.age < FRESH), None)
        if end is None or end.at <= rest[0].at:
            return None
        return (end.newest - rest[0].newest) / (end.at - rest[0].at)

    def _after(self, since: float) -> list[Sample]:
        """The samples since then; while looks failed, the last number seen grew older until the next that succeeded."""
        samples = list(self._samples)
        found: list[Sample] = []
        for before, sample in zip([None, *samples], samples, strict=False):
            if sample.at < since:
                continue
            if before is not None and sample.at - before.at > 4 * _EVERY:
                found.append(Sample(sample.at, before.newest))
            found.append(sample)
        return found

    def _run(self) -> None:
        client: Client | None = None
        while not self._stop.wait(_EVERY):
            try:
                client = client or connect(self._settings)
                [(newest,)] = client.execute(
                    """SELECT toUnixTimestamp64Milli(max(last_record_at)) FROM room_10s_counters
                    WHERE startsWith(room_id, %(prefix)s)""",
                    {"prefix": self._prefix},
                )
            except Exception:  # the service is away: that is what is watched
                client = None
                continue
            if newest > 0:
                self._samples.append(Sample(time.time(), newest / 1_000))
        if client is not None:
            client.disconnect()
