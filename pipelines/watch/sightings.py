"""Latencies from two observations: when records were produced, and when a row was first seen to have counted one as new."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

Milliseconds = int

OVERDUE_MS = 120_000
"""A record that is not visible after so long is given up."""
ARRIVES_WITHIN_SECONDS = 60
"""Records that arrive later than that after their event time are left out."""
RANGE_SECONDS = OVERDUE_MS // 1_000 + ARRIVES_WITHIN_SECONDS + 60
"""How far back rows and copies are looked at."""


class Latencies:
    """A distribution of latencies in whole milliseconds."""

    def __init__(self, counts: Mapping[Milliseconds, int] | None = None) -> None:
        self._counts: Counter[Milliseconds] = Counter(counts or {})

    def add(self, latency: Milliseconds, events: int = 1) -> None:
        """So many events had this latency."""
        self._counts[latency] += events

    def update(self, other: Latencies) -> None:
        """Take in another distribution."""
        self._counts.update(other._counts)

    @property
    def events(self) -> int:
        """How many there are."""
        return self._counts.total()

    @property
    def maximum(self) -> Milliseconds:
        """The longest one; there must be one."""
        return max(self._counts)

    def quantile(self, share: float) -> Milliseconds:
        """The smallest latency that at least this share of the events did not exceed; there must be one."""
        wanted = share * self.events
        seen = 0
        for latency in sorted(self._counts):
            seen += self._counts[latency]
            if seen >= wanted:
                return latency
        return self.maximum


@dataclass(frozen=True)
class Arrival:
    """Records of one row that were produced at the same time."""

    row: Hashable
    produced: Milliseconds
    events: int


class Sightings:
    """When which value of `last_record_at` was first seen in each row."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, list[tuple[Milliseconds, Milliseconds]]] = {}
        """For each row (value, when it was first seen), both growing."""
        self._before: dict[Hashable, Milliseconds] = {}
        """Values that nobody knows the first moment of."""
        self._started = False

    def poll(self, rows: Iterable[tuple[Hashable, Milliseconds]], now: Milliseconds) -> None:
        """Note the rows of a view as seen now. What the first poll sees was there before."""
        if not self._started:
            self._started = True
            self._before = dict(rows)
            return
        for row, newest in rows:
            seen = self._seen.get(row)
            if newest > (seen[-1][0] if seen else self._before.get(row, -1)):
                self._seen.setdefault(row, []).append((newest, now))

    def was_there(self, arrival: Arrival) -> bool:
        """Whether it was visible before the first poll, so that nobody knows since when."""
        return arrival.produced <= self._before.get(arrival.row, -1)

    def visible_at(self, arrival: Arrival) -> Milliseconds | None:
        """When the row was first seen to have counted a record as new as this; None when it was not yet."""
        seen = self._seen.get(arrival.row, [])
        index = bisect_left(seen, (arrival.produced,))
        return seen[index][1] if index < len(seen) else None

    def forget(self, before: Milliseconds) -> None:
        """Drop what was seen before then; arrivals that old are not asked for any more."""
        for row, seen in list(self._seen.items()):
            keep = bisect_left(seen, before, key=lambda entry: entry[1])
            if keep:
                self._before[row] = seen[keep - 1][0]
                self._seen[row] = seen[keep:]
            if not self._seen[row]:
                del self._seen[row]
        # Views are not asked for rows that old either.
        self._before = {row: newest for row, newest in self._before.items() if newest >= before - RANGE_SECONDS * 1_000}


def measure(
    sightings: Sightings, arrivals: Iterable[Arrival], now: Milliseconds, overdue_ms: Milliseconds = OVERDUE_MS
) -> tuple[Latencies, list[Arrival], int]:
    """The latencies of arrivals, those that are not visible yet, and how many events have been waited for too long.

    Overdue events are in the distribution with the age at which they were given up, which is less than their latency.
    """
    latencies, pending, overdue = Latencies(), [], 0
    for arrival in arrivals:
        if sightings.was_there(arrival):
            continue
        seen = sightings.visible_at(arrival)
        if seen is not None:
            latencies.add(max(0, seen - arrival.produced), arrival.events)
        elif now - arrival.produced >= overdue_ms:
            latencies.add(now - arrival.produced, arrival.events)
            overdue += arrival.events
        else:
            pending.append(arrival)
    return latencies, pending, overdue


class Copies:
    """Which facts have come: of what was delivered twice, only the first copy is counted by a job."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._before: set[int] = set()
        self._since = 0.0

    def first(self, facts: Iterable[int]) -> int:
        """How many of them come for the first time."""
        new = {fact for fact in facts if fact not in self._seen and fact not in self._before}
        self._seen |= new
        return len(new)

    def forget(self, now: float) -> None:
        """Drop what came over twice `RANGE_SECONDS` ago; what came within once that is kept. `now` in seconds since the epoch."""
        if now - self._since >= RANGE_SECONDS:
            self._before, self._seen, self._since = self._seen, set(), now
