"""Records that producers get wrong: dead letters, and clocks that are not right."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clickhouse_driver import Client

from jobs.clickhouse import UNREADABLE
from pipelines.clickhouse import connect
from pipelines.doctor.finding import Finding, Level, span
from pipelines.settings import Settings
from schemas.rules import Reason
from schemas.topics import topics

MINUTES = 10
LEAST = 20
"""Fewer records are no pattern, whatever their share."""
LETTERS, MANY_LETTERS = 0.05, 0.5
"""Shares of a topic's records: the first is the limit of the alert dead_letter_ratio."""
MANY = 100
"""A topic with fewer dead letters is never a problem, only a warning."""
WRONG_CLOCKS = 0.05
"""Share of a topic's records that are late, or from the future, at which producers' clocks are suspected."""
AHEAD_SECONDS = 60
"""A Kafka timestamp so far beyond the time of storing is no accident of insert batches."""
SKEW, FAR_SKEW = 1.0, 60.0
"""Seconds between two machines' clocks: freshness is wrong by so much; by more, everything that asks for recent rows is."""

# By the time of storing, which is ClickHouse's own clock. The other condition selects partitions, and leaves out what is
# replayed with old timestamps.
_RECENT = "received_at >= now() - INTERVAL 1 DAY AND inserted_at >= now() - toIntervalMinute(%(minutes)s)"


@dataclass(frozen=True)
class Received:
    """What came in on a topic in the last `MINUTES`."""

    topic: str
    events: int = 0
    late: int = 0
    ahead: int = 0
    """Events with a Kafka timestamp more than `AHEAD_SECONDS` in the future."""
    most_ahead_seconds: float = 0.0
    letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(reason, field) -> how many."""

    @property
    def dead(self) -> int:
        return sum(self.letters.values())

    @property
    def records(self) -> int:
        return self.events + self.dead


def look(settings: Settings) -> list[Finding]:
    """Dead letters and clocks, from what was stored in the last minutes."""
    with connect(settings) as client:
        received = [_received(client, topic) for topic in topics()]
        return [
            *judge_letters(received),
            judge_metric_topics(_unreadable(client)),
            *judge_producers(received, settings.future_seconds, settings.lateness_seconds),
            judge_skew(_skew(client)),
        ]


def _received(client: Client, topic: str) -> Received:
    when = {"topic": topic, "minutes": MINUTES, "ahead": AHEAD_SECONDS}
    [(events, late, ahead, most)] = client.execute(
        f"""SELECT count(), countIf(is_late), countIf(ahead > %(ahead)s), max(ahead) FROM (
            SELECT is_late, toUnixTimestamp64Milli(received_at) / 1000 - toUnixTimestamp(inserted_at) AS ahead
            FROM {topic}_event WHERE {_RECENT}
        )""",
        when,
    )
    letters = client.execute(
        f"SELECT reason, field, count() FROM dead_letter WHERE _topic = %(topic)s AND {_RECENT} GROUP BY reason, field", when
    )
    return Received(topic, events, late, ahead, most, {(reason, name): count for reason, name, count in letters})


def judge_letters(received: Iterable[Received]) -> list[Finding]:
    """Topics of which a noticeable share is no valid event: one that loses half of its records is a problem."""
    found, records, dead = [], 0, 0
    for one in received:
        records, dead = records + one.records, dead + one.dead
        if one.dead < LEAST or one.dead < LETTERS * one.records:
            continue
        most = sorted(one.letters.items(), key=lambda item: -item[1])[:3]
        why = ", ".join(f"{' '.join(filter(None, kind))} {count:,}" for kind, count in most)
        seen = f"{one.dead:,} of {one.records:,} records in {MINUTES} min are no valid events ({one.dead / one.records:.0%}): {why}"
        level = Level.PROBLEM if one.dead >= MANY and one.dead >= MANY_LETTERS * one.records else Level.WARNING
        help_ = f"livepulse dead-letters list --topic {one.topic}"
        found.append(Finding(f"dead letters of {one.topic}", level, seen, help_))
    share = f" ({dead / records:.1%})" if records else ""
    return found or [Finding("dead letters", Level.OK, f"{dead:,} of {records:,} records in {MINUTES} min{share}")]


def _unreadable(client: Client) -> dict[str, int]:
    sql = f"SELECT _topic, count() FROM dead_letter WHERE reason = %(reason)s AND {_RECENT} GROUP BY _topic"
    return dict(client.execute(sql, {"reason": UNREADABLE, "minutes": MINUTES}))


def judge_metric_topics(unreadable: Mapping[str, int]) -> Finding:
    """Only the jobs write to metric topics: anything else there is a problem.

    Args:
        unreadable: metric topic -> records that ClickHouse could not read.
    """
    if unreadable:
        said = ", ".join(f"{topic} {count:,}" for topic, count in unreadable.items())
        seen = f"something other than the jobs, or jobs of another version, wrote in {MINUTES} min: {said}"
        return Finding("metric topics", Level.PROBLEM, seen, "livepulse jobs list    and: livepulse migrate")
    return Finding("metric topics", Level.OK, f"nothing unreadable in {MINUTES} min")


def judge_producers(received: Iterable[Received], future_seconds: int, lateness_seconds: int) -> list[Finding]:
    """Topics of which a noticeable share comes from clocks that are not right; all of them are warnings.

    A client whose clock is behind by less than the lateness, and a gateway whose clock is behind, cannot be told from delay.
    """
    found = []
    for one in received:
        check = f"clocks of producers of {one.topic}"
        future = sum(count for (reason, _), count in one.letters.items() if reason == Reason.FUTURE_EVENT_TIME)
        for count, what, help_ in (
            (future, f"are over {span(future_seconds)} ahead of their Kafka timestamp: refused", "set the clocks of its clients"),
            (
                one.late,
                f"are over {span(lateness_seconds)} behind their Kafka timestamp: stored, not counted",
                "set the clocks of its clients, or ask what held the events back; a resend is no fault",
            ),
            (
                one.ahead,
                f"have a Kafka timestamp in the future, by {span(one.most_ahead_seconds)} at most: boards seem too fresh",
                "set the clock of what writes to Kafka    (chronyc tracking)",
            ),
        ):
            if count >= LEAST and count >= WRONG_CLOCKS * one.records:
                seen = f"{count:,} of {one.records:,} records in {MINUTES} min {what}"
                found.append(Finding(check, Level.WARNING, seen, help_))
    return found or [Finding("clocks of producers", Level.OK, f"no topic with many late or future events in {MINUTES} min")]


def _skew(client: Client) -> float:
    began = time.time()
    [(milliseconds,)] = client.execute("SELECT toUnixTimestamp64Milli(now64(3))")
    return float(milliseconds) / 1_000 - (began + time.time()) / 2


def judge_skew(seconds: float) -> Finding:
    """The clock of this machine, which starts producers and verify, against ClickHouse's.

    Args:
        seconds: ClickHouse's less this one's.
    """
    check, size = "clock of this machine", abs(seconds)
    if size <= SKEW:
        return Finding(check, Level.OK, f"agrees with ClickHouse's ({seconds:+.2f} s)")
    seen = f"ClickHouse's is {span(size)} {'ahead of' if seconds > 0 else 'behind'} it"
    return Finding(check, Level.PROBLEM if size > FAR_SKEW else Level.WARNING, seen, "chronyc tracking    (on both machines)")
