"""How long a record takes from being produced to being visible in ClickHouse, measured from outside.

Every row of the counters (what the views read) carries `last_record_at`, the newest Kafka timestamp of a record that it has
counted. The probe asks for it about ten times a second and notes, for each row, when each value was first seen. Event tables
tell which records arrived for each row, and when they were produced. A record produced at p is visible from the first moment at
which its own row was seen with `last_record_at >= p`; the difference is its latency. Nothing is assumed about how records
are spread over time, and a row without records adds nothing, however long it is silent.

What it measures, and what it does not:

- The counters of one view for each job, so that a fast job cannot hide a slow one: `broadcast_10s` (dwell),
  `broadcast_1m` (interaction), `broadcast_product` (conversion). `room_10s` would be no good: its rows are as new as the
  newest contribution of any job.
  A record that two jobs count (an order) is measured for each. Repurchase is not measured: its only view of its own has
  a row for each buyer.
- *Visible* means that the row has counted a record at least as new. Records of one partition are counted in order, so for
  dwell, which reads one topic keyed by room, this is the record itself. The rows of interaction and conversion count
  several topics: a record of one can be passed by a newer one of another, and then its latency is understated.
- It is an upper bound in two more ways: a change is noticed at the first answer after it (one poll interval, reported as
  `interval`), and produced times are rounded down to 10 ms.
- *Produced* is the record's Kafka timestamp, which producers of this project set as they send. It is compared with the
  clock of this machine: producers elsewhere need clocks that agree with it.
- Left out: late events and copies (no counter has them), dead letters, and records that arrive over a minute after their
  event time, whose windows are not polled. A record that is not visible after two minutes counts as `overdue`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipelines.watch.sightings import (
    ARRIVES_WITHIN_SECONDS,
    RANGE_SECONDS,
    Arrival,
    Copies,
    Latencies,
    Milliseconds,
    Sightings,
    measure,
)

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings

_POLL_SECONDS = 0.1
_SHARE_OF_TIME = 0.4
"""At most this share of the time is spent in polling: where queries are slow, it polls less often."""
_EVALUATE_SECONDS = 2.0
_STORE_SECONDS = 10.0
_STORED_SECONDS = 3
"""Event rows are looked at when they were stored so long ago: `inserted_at` is taken a little before they are there."""
_BIN_MS = 10
_RECENT_SECONDS = 300
_ONE_THREAD = {"max_threads": 1}
_GOES_AWAY = (236, 394)
"""What ClickHouse says to those whose queries it ends because it stops: ABORTED, QUERY_WAS_CANCELLED."""
_MOST_REFUSALS, _STEADY_SECONDS = 3, 10
"""What it refuses once may have had no memory at that moment; three times, each within ten seconds, is no accident."""


@dataclass(frozen=True)
class Freshness:
    """From produced to visible, in seconds, over some events."""

    p50: float
    p99: float
    maximum: float
    events: int

    @classmethod
    def of(cls, latencies: Latencies) -> Freshness | None:
        """The figures of a distribution; None when it is empty."""
        if not latencies.events:
            return None
        return cls(
            p50=latencies.quantile(0.5) / 1_000,
            p99=latencies.quantile(0.99) / 1_000,
            maximum=latencies.maximum / 1_000,
            events=latencies.events,
        )


@dataclass(frozen=True)
class _Stream:
    """Events that a view counts: from which table, which of them, and whether their copies are dropped."""

    table: str
    condition: str
    once: bool = False

    def sql(self, part: str) -> str:
        """A SELECT of each record's row, when it was produced, and a number that copies share; 0 where each one counts."""
        fact = f"sipHash64('{self.table}', event_id)" if self.once else "0"
        return (
            f"SELECT room_id, broadcast_id, {part} AS part, received_at, {fact} AS fact FROM {self.table} "
            # What was stored in these seconds is little of what the key leaves: no other column is read for the rest.
            "PREWHERE inserted_at >= toDateTime(%(begin)s, 'UTC') AND inserted_at < toDateTime(%(end)s, 'UTC') "
            f"WHERE {self.condition} AND NOT is_late AND event_time >= received_at - {ARRIVES_WITHIN_SECONDS} "
            "AND event_time >= toDateTime(%(since)s, 'UTC')"
        )


class _Job:
    """A job's own view, the events that it counts, and what was measured so far."""

    def __init__(self, name: str, view: str, part: str, recent: str, event_part: str, streams: Iterable[_Stream]) -> None:
        """`part` makes a row of the view together with room and broadcast, `event_part` the same of an event."""
        self.name = name
        self.rows_sql = (
            f"SELECT room_id, broadcast_id, {part} AS part, max(toUnixTimestamp64Milli(last_record_at)) FROM {view}_counters "
            f"WHERE {recent} >= toDateTime(%(since)s, 'UTC') GROUP BY room_id, broadcast_id, part"
        )
        records = " UNION ALL ".join(stream.sql(event_part) for stream in streams)
        self.arrivals_sql = (
            f"SELECT room_id, broadcast_id, part, intDiv(toUnixTimestamp64Milli(received_at), {_BIN_MS}) * {_BIN_MS} AS bin, "
            f"countIf(fact = 0), groupArrayIf(fact, fact != 0) FROM ({records}) "
            "GROUP BY room_id, broadcast_id, part, bin ORDER BY bin"
        )
        self.sightings = Sightings()
        self.copies = Copies()
        self.pending: list[Arrival] = []
        self.total = Latencies()
        self.recent: deque[tuple[float, Latencies]] = deque()
        self.overdue = 0


def _jobs() -> list[_Job]:
    minute = "toUnixTimestamp(toStartOfMinute(event_time))"
    return [
        _Job(
            "dwell",
            view="broadcast_10s",
            # What Flink writes is a minute with its six slots, and one `last_record_at` for all of them.
            part="toUnixTimestamp(toStartOfMinute(window_start))",
            recent="window_start",
            event_part=minute,
            streams=[_Stream("view_event", "action != 'leave'")],
        ),
        _Job(
            "interaction",
            view="broadcast_1m",
            part="toUnixTimestamp(window_start)",
            recent="window_start",
            event_part=minute,
            streams=[
                _Stream("comment_event", "true", once=True),
                _Stream("like_event", "true", once=True),
                _Stream("group_message_event", "room_id != ''", once=True),
                _Stream("order_event", "status IN ('created', 'paid')", once=True),
            ],
        ),
        _Job(
            "conversion",
            view="broadcast_product",
            part="product_id",
            recent="last_record_at",
            event_part="product_id",
            streams=[_Stream("product_event", "true"), _Stream("order_event", "true", once=True)],
        ),
    ]


class FreshnessProbe:
    """Measures in the background while it is open, with connections of its own.

    While ClickHouse is away it tries again. What else goes wrong ends it, and is raised to whoever asks for figures.
    """

    def __init__(self, settings: Settings, stores: bool = False) -> None:
        """With `stores`, the last minute's figures go into `freshness_result` again and again."""
        self._settings = settings
        self._stores = stores
        self._stored = time.monotonic()
        self._jobs = _jobs()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._polls = 0
        self._polling_seconds = 0.0
        self._done_until = 0
        self._failure: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=f"freshness-{work.__name__}", daemon=True)
            for work in (self._poll, self._evaluate)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    @property
    def interval(self) -> float | None:
        """Mean seconds between two polls of a view: by so much a figure may be too high."""
        return self._polling_seconds / self._polls if self._polls else None

    @property
    def overdue(self) -> int:
        """Events that were not visible after two minutes."""
        self.require_alive()
        with self._lock:
            return sum(job.overdue for job in self._jobs)

    def recent(self, seconds: float = 60) -> Freshness | None:
        """The figures of the last so many seconds, all jobs together."""
        found = Latencies()
        for latencies in self._recent(seconds).values():
            found.update(latencies)
        return Freshness.of(found)

    def recent_by_job(self, seconds: float = 60) -> dict[str, Freshness]:
        """The figures of the last so many seconds, job by job."""
        found = {name: Freshness.of(latencies) for name, latencies in self._recent(seconds).items()}
        return {name: freshness for name, freshness in found.items() if freshness}

    def total(self) -> Freshness | None:
        """The figures since the start, all jobs together."""
        self.require_alive()
        found = Latencies()
        with self._lock:
            for job in self._jobs:
                found.update(job.total)
        return Freshness.of(found)

    def by_job(self) -> dict[str, Freshness]:
        """The figures since the start, job by job."""
        self.require_alive()
        with self._lock:
            found = {job.name: Freshness.of(job.total) for job in self._jobs}
        return {name: freshness for name, freshness in found.items() if freshness}

    def require_alive(self) -> None:
        """Raise what ended the measuring, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _recent(self, seconds: float) -> dict[str, Latencies]:
        self.require_alive()
        since = time.monotonic() - seconds
        found = {job.name: Latencies() for job in self._jobs}
        with self._lock:
            for job in self._jobs:
                for moment, latencies in job.recent:
                    if moment >= since:
                        found[job.name].update(latencies)
        return found

    def _run(self, work: Callable[[Client], None]) -> None:
        from clickhouse_driver.errors import NetworkError, ServerException, SocketTimeoutError

        from pipelines.clickhouse import connect

        refusals = 0
        while not self._stop.is_set():
            client = connect(self._settings)
            began = time.monotonic()
            try:
                work(client)
            except (NetworkError, SocketTimeoutError, OSError, EOFError):
                self._stop.wait(1)  # ClickHouse restarts: what is not visible meanwhile is late, and counted so
            except ServerException as error:
                refusals = refusals + 1 if time.monotonic() - began < _STEADY_SECONDS else 1
                if error.code not in _GOES_AWAY and refusals >= _MOST_REFUSALS:
                    self._fail(error)
                self._stop.wait(1)
            except Exception as error:  # nobody else would hear of it
                self._fail(error)
            finally:
                client.disconnect()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._stop.set()

    def _poll(self, client: Client) -> None:
        last: float | None = None
        while not self._stop.is_set():
            began = time.monotonic()
            if last is not None:
                self._polls += 1
                self._polling_seconds += began - last
            last = began
            for job in self._jobs:
                rows = client.execute(job.rows_sql, {"since": int(time.time()) - RANGE_SECONDS}, settings=_ONE_THREAD)
                now = _now()
                with self._lock:
                    job.sightings.poll([((room, broadcast, part), newest) for room, broadcast, part, newest in rows], now)
            spent = time.monotonic() - began
            self._stop.wait(max(_POLL_SECONDS - spent, spent * (1 / _SHARE_OF_TIME - 1)))

    def _evaluate(self, client: Client) -> None:
        self._done_until = self._done_until or int(time.time())
        while True:
            stopping = self._stop.wait(_EVALUATE_SECONDS)
            begin, end = self._done_until, int(time.time()) - _STORED_SECONDS
            if end <= begin:
                if stopping:
                    return
                continue
            span = {"begin": begin, "end": end, "since": begin - RANGE_SECONDS}
            found = [client.execute(job.arrivals_sql, span, settings=_ONE_THREAD) for job in self._jobs]
            # Facts are noted when every answer is there: a span that is asked for once more would take its own for copies.
            with self._lock:
                for job, rows in zip(self._jobs, found, strict=True):
                    arrivals = [
                        Arrival((room, broadcast, part), at, events + job.copies.first(facts))
                        for room, broadcast, part, at, events, facts in rows
                    ]
                    job.copies.forget(begin)
                    self._account(job, arrivals)
            self._done_until = end
            if self._stores and time.monotonic() - self._stored >= _STORE_SECONDS:
                self._store(client)
            if stopping:
                return

    def _store(self, client: Client) -> None:
        self._stored = time.monotonic()
        rows = [(job, one.p50, one.p99, one.maximum, one.events) for job, one in self.recent_by_job().items()]
        if rows:
            client.execute("INSERT INTO freshness_result (job, p50, p99, maximum, events) VALUES", rows)

    def _account(self, job: _Job, arrivals: list[Arrival]) -> None:
        now = _now()
        latencies, job.pending, overdue = measure(job.sightings, [*job.pending, *arrivals], now)
        job.total.update(latencies)
        job.overdue += overdue
        job.recent.append((time.monotonic(), latencies))
        while job.recent[0][0] < time.monotonic() - _RECENT_SECONDS:
            job.recent.popleft()
        job.sightings.forget(now - RANGE_SECONDS * 1_000)


def _now() -> Milliseconds:
    return int(time.time() * 1_000)
