"""The arithmetic of freshness: what polls say about when records became visible."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import accumulate, chain, repeat

import pytest
from clickhouse_driver.errors import NetworkError, ServerException
from hypothesis import given, settings
from hypothesis import strategies as st

import pipelines.clickhouse
from pipelines.settings import Settings
from pipelines.watch import freshness
from pipelines.watch.freshness import Freshness, FreshnessProbe
from pipelines.watch.sightings import Arrival, Copies, Latencies, Sightings, measure

ROWS = ("a", "b", "c")


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, list[tuple[int, int]]], list[int]]:
    """For each row its records as (produced, visible), counted in order; and the moments of the polls."""
    rows = {}
    for row in ROWS:
        produced = list(accumulate(draw(st.lists(st.integers(1, 5_000), max_size=30))))
        delays = draw(st.lists(st.integers(0, 4_000), min_size=len(produced), max_size=len(produced)))
        visible = accumulate((p + d for p, d in zip(produced, delays, strict=True)), max)
        rows[row] = list(zip(produced, visible, strict=True))
    polls = list(accumulate(draw(st.lists(st.integers(1, 2_000), min_size=1, max_size=200))))
    return rows, polls


def observe(rows: dict[str, list[tuple[int, int]]], polls: list[int], forget_older_than: int | None = None) -> Sightings:
    """What the polls would see."""
    sightings = Sightings()
    for now in polls:
        newest = {row: max((p for p, visible in records if visible <= now), default=None) for row, records in rows.items()}
        sightings.poll([(row, value) for row, value in newest.items() if value is not None], now)
        if forget_older_than is not None:
            sightings.forget(now - forget_older_than)
    return sightings


@settings(deadline=None)
@given(histories())
def test_a_latency_is_the_true_one_and_at_most_one_poll_more(history: tuple[dict[str, list[tuple[int, int]]], list[int]]) -> None:
    rows, polls = history
    sightings = observe(rows, polls)
    for row, records in rows.items():
        for produced, visible in records:
            latencies, pending, overdue = measure(sightings, [Arrival(row, produced, 1)], polls[-1], overdue_ms=1 << 60)
            noticed = next((poll for poll in polls if poll >= visible), None)
            assert not overdue
            if visible <= polls[0]:
                assert not latencies.events and not pending  # nobody saw it become visible
            elif noticed is None:
                assert not latencies.events and pending == [Arrival(row, produced, 1)]
            else:
                before = max(poll for poll in polls if poll < noticed)
                assert visible - produced <= latencies.maximum == noticed - produced <= visible - produced + (noticed - before)


@settings(deadline=None)
@given(histories(), st.integers(0, 3_000))
def test_forgetting_old_sightings_changes_nothing_for_newer_arrivals(
    history: tuple[dict[str, list[tuple[int, int]]], list[int]], age: int
) -> None:
    rows, polls = history
    everything, recent = observe(rows, polls), observe(rows, polls, forget_older_than=age)
    for row, records in rows.items():
        for produced, _ in records:
            if produced >= polls[-1] - age:
                arrival = Arrival(row, produced, 1)
                assert recent.visible_at(arrival) == everything.visible_at(arrival)
                assert recent.was_there(arrival) == everything.was_there(arrival)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 5)), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_value_that_covers_the_share(counts: list[tuple[int, int]], share: float) -> None:
    latencies = Latencies()
    for latency, events in counts:
        latencies.add(latency, events)
    each = sorted(latency for latency, events in counts for _ in range(events))
    assert latencies.events == len(each)
    assert latencies.maximum == each[-1]
    assert latencies.quantile(share) == each[max(0, math.ceil(share * len(each)) - 1)]


def test_arrivals_are_weighted_by_their_events() -> None:
    sightings = observe({"busy": [(1_000, 1_500)], "quiet": [(1_000, 9_000)]}, [500, *range(1_000, 10_001, 500)])
    latencies, _, _ = measure(sightings, [Arrival("busy", 1_000, 99), Arrival("quiet", 1_000, 1)], now=10_000)
    assert Freshness.of(latencies) == Freshness(p50=0.5, p99=0.5, maximum=8.0, events=100)


def test_a_row_that_is_silent_for_a_minute_is_not_late() -> None:
    sightings = observe({"quiet": [(1_000, 1_700), (61_000, 61_700)]}, list(range(500, 70_000, 100)))
    latencies, pending, _ = measure(sightings, [Arrival("quiet", 1_000, 1), Arrival("quiet", 61_000, 1)], now=70_000)
    assert (latencies.events, latencies.maximum, pending) == (2, 700, [])


def test_a_row_first_seen_after_the_first_poll_has_just_become_visible() -> None:
    sightings = Sightings()
    sightings.poll([], 1_000)
    sightings.poll([("new", 900)], 2_000)
    latencies, _, _ = measure(sightings, [Arrival("new", 900, 1)], now=2_000)
    assert latencies.maximum == 1_100


def test_what_never_becomes_visible_is_counted_with_the_age_at_which_it_was_given_up() -> None:
    sightings = observe({"a": []}, [1_000, 2_000])
    latencies, pending, overdue = measure(sightings, [Arrival("a", 0, 7), Arrival("a", 125_000, 1)], now=130_000)
    assert (latencies.maximum, overdue, pending) == (130_000, 7, [Arrival("a", 125_000, 1)])


def test_there_are_no_figures_without_events() -> None:
    assert Freshness.of(Latencies()) is None


@given(st.lists(st.integers(1, 79), max_size=10))
def test_of_copies_within_four_minutes_the_first_counts(pauses: list[int]) -> None:
    copies, now, came = Copies(), 1_000, -1_000
    for pause in pauses:
        now += pause
        copies.forget(now)
        if now - came < 240:
            assert copies.first([1]) == 0
        elif copies.first([1, 1]):
            came = now


def test_old_facts_are_forgotten() -> None:
    copies = Copies()
    assert copies.first([1, 2, 2]) == 2
    for now in (240, 480, 720):
        copies.forget(now)
    assert copies.first([1, 2]) == 2


class Server:
    """ClickHouse with one comment, stored in the first span that is asked for and visible from the second poll on."""

    def __init__(self, fails: Callable[[str], Exception | None] = lambda _: None) -> None:
        self._fails = fails
        self._produced = int(time.time() * 1_000)
        self._first_span: object = None
        self._polls = 0

    def execute(self, sql: str, parameters: dict[str, object], **_: object) -> list[tuple[object, ...]]:
        if error := self._fails(sql):
            raise error
        interaction = "broadcast_1m_counters" in sql or "comment_event" in sql
        if "groupArrayIf" not in sql:
            self._polls += interaction
            return [("r", "b", 1, self._produced)] if interaction and self._polls > 1 else []
        self._first_span = self._first_span or parameters["begin"]
        return [("r", "b", 1, self._produced, 0, [42])] if interaction and parameters["begin"] == self._first_span else []

    def disconnect(self) -> None: ...


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], FreshnessProbe]:
    """A probe of this server that does not wait until rows have settled."""
    monkeypatch.setattr(freshness, "_EVALUATE_SECONDS", 0.05)
    monkeypatch.setattr(freshness, "_STORED_SECONDS", -1)

    def probe(server: Server) -> FreshnessProbe:
        monkeypatch.setattr(pipelines.clickhouse, "connect", lambda *_: server)
        return FreshnessProbe(Settings())

    return probe


def figures(probe: FreshnessProbe, seconds: float = 5) -> dict[str, Freshness]:
    """The first ones that there are."""
    deadline = time.monotonic() + seconds
    while not (found := probe.by_job()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("error", [NetworkError("gone"), ServerException("no memory", 241)], ids=["away", "refused once"])
def test_a_span_that_is_asked_for_again_counts_each_fact(quick: Callable[[Server], FreshnessProbe], error: Exception) -> None:
    once = chain([error], repeat(None))
    with quick(Server(lambda sql: next(once) if "groupArrayIf" in sql and "product_event" in sql else None)) as probe:
        found = figures(probe)
    assert {job: freshness.events for job, freshness in found.items()} == {"interaction": 1}


def test_what_clickhouse_refuses_is_said(quick: Callable[[Server], FreshnessProbe]) -> None:
    with quick(Server(lambda _: ServerException("no such table", 60))) as probe, pytest.raises(ServerException, match="no such"):
        figures(probe, seconds=30)
