"""What the recordings say, counted straight from the files: nothing here goes through the converters or the judge."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


def danmaku_comments_per_minute(folder: Path) -> Counter[datetime]:
    """Comments of a room by minute in UTC; its files tell the time of Shanghai, which is eight hours ahead."""
    comments: Counter[datetime] = Counter()
    for file in folder.iterdir():
        day = datetime.strptime(file.stem, "%Y-%m-%d").replace(tzinfo=UTC) - timedelta(hours=8)
        for line in file.read_text("utf-8").split("\n")[:-1]:  # the file ends with a line break
            if line.startswith("TIME"):
                hour, minute = line[len("TIME") : line.index("ONLINE")].split(":")
                now = day + timedelta(hours=int(hour), minutes=int(minute))
            elif not line.startswith("SPEAKERNUM"):
                comments[now] += 1
    return comments


@dataclass(frozen=True, slots=True)
class Chat:
    """An IRC excerpt."""

    messages: int
    nicks: frozenset[str]
    """Who wrote."""
    joined: frozenset[str]
    sessions: list[tuple[str, int]]
    """(nick, whole minutes) from a join to the nick's next leave; the last of several joins, and both in the file."""


def irc(file: Path) -> Chat:
    messages, nicks, joined, sessions = 0, set(), set(), []
    inside: dict[str, int] = {}
    clock = clock_before = half_days = 0
    # Lines before the first that has a time share its time.
    lines = file.read_text("utf-8").split("\n")
    clock_before = clock = next(_clock(line) for line in lines if line.startswith("["))
    for line in lines:
        if line.startswith("["):
            clock = _clock(line)
            while clock + half_days * 720 < clock_before:  # past noon by a clock of twelve hours, or past midnight
                half_days += 1
            clock = clock_before = clock + half_days * 720
            if line[8:9] == "<":
                messages += 1
                nicks.add(line[9 : line.index(">")])
        elif re.search(r"\]  has joined #", line):
            joined.add(line.split()[1])
            inside[line.split()[1]] = clock
        elif re.search(r"\]  has left #", line) and line.split()[1] in inside:
            sessions.append((line.split()[1], clock - inside.pop(line.split()[1])))
    return Chat(messages, frozenset(nicks), frozenset(joined), sessions)


def _clock(line: str) -> int:
    return int(line[1:3]) * 60 + int(line[4:6])


@dataclass(frozen=True, slots=True)
class Purchases:
    purchases: int
    customers: int
    repeat_customers: int
    """Customers with two purchases or more."""
    units: int
    cents: int

    @property
    def repeat_rate(self) -> float:
        return self.repeat_customers / self.customers


def cdnow(file: Path) -> Purchases:
    rows = [line.split() for line in file.read_text("ascii").splitlines()]
    by_customer = Counter(row[0] for row in rows)
    return Purchases(
        purchases=len(rows),
        customers=len(by_customer),
        repeat_customers=sum(1 for purchases in by_customer.values() if purchases >= 2),
        units=sum(int(row[3]) for row in rows),
        cents=sum(round(float(row[4]) * 100) for row in rows),
    )
