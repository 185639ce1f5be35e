"""Ubuntu's support chat (CC-BY-4.0, jkkummerfeld/irc-disentanglement) as `group_message` and `view` records.

`[HH:MM] <nick> text` is a message, `=== nick [host]  has joined …` a view `enter`, `… has left …` a `leave`. What else there is
is left out: renames (a nick is one user, before and after), actions (`* nick waves`), and lines of the channel itself.

What the files do not say is declared here: times are UTC; every speaker is a `member`; the group and the room are both
`ubuntu`; a file, an excerpt of one day, is one broadcast, its name the `stream_id`; people come from `community`.
A minute's lines are spread evenly over it, in their order: the times within it are made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.realdata.record import Record, record

GROUP = ROOM = "ubuntu"
HALF_DAY_MINUTES = 12 * 60

_TIMED = re.compile(r"\[(\d\d):(\d\d)\] ")
_MESSAGE = re.compile(r"\[\d\d:\d\d\] <([^>]+)>(?: (.*))?")
_PRESENCE = re.compile(r"=== (\S+) +\[\S*\]  has (joined|left) #.*")


def records(file: Path) -> Iterator[Record]:
    """An excerpt's records in the order of its lines; record timestamps are the event times."""
    stem = file.name.removesuffix(".raw.txt")
    midnight = int(datetime.strptime(stem[:10], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000
    for minute, group in groupby(_lines(file), key=lambda line: line[1]):
        lines = list(group)
        for nth, (number, _, line) in enumerate(lines):
            base = {
                "event_id": f"{stem}/{number}",
                "event_time": midnight + minute * 60_000 + nth * 60_000 // len(lines),
                "schema_version": 1,
                "platform": "irc",
                "room_id": ROOM,
                "stream_id": stem,
            }
            made = _event(line)
            if made is not None:
                topic, fields = made
                yield record(topic, base | fields)


def _lines(file: Path) -> Iterator[tuple[int, int, str]]:
    """(line number, minute of the file's first day, line); a line without a time has that of the line before."""
    numbered = list(enumerate(file.read_text(encoding="utf-8").removesuffix("\n").split("\n"), start=1))
    timed = (match for _, line in numbered if (match := _TIMED.match(line)))
    first = next(timed, None)
    if first is None:
        raise ValueError(f"{file.name}: no line has a time")
    minute = int(first[1]) * 60 + int(first[2])
    for number, line in numbered:
        if match := _TIMED.match(line):
            minute = _not_before(minute, int(match[1]) * 60 + int(match[2]))
        yield number, minute, line


def _not_before(minute: int, clock: int) -> int:
    """The next moment at which a clock that shows `clock` minutes can be read.

    Two of the files were written by a clock of twelve hours (12:59, then 01:00), another passes midnight (23:59, 00:00):
    the smallest number of half days that keeps time from running back is right for both.
    """
    behind = max(0, minute - clock)
    return clock + -(-behind // HALF_DAY_MINUTES) * HALF_DAY_MINUTES


def _event(line: str) -> tuple[str, dict[str, Any]] | None:
    """Topic and own fields of the event that a line is, or None."""
    if message := _MESSAGE.fullmatch(line):
        return "group_message", {"user_id": message[1], "group_id": GROUP, "text": message[2] or "", "role": "member"}
    if presence := _PRESENCE.fullmatch(line):
        action = "enter" if presence[2] == "joined" else "leave"
        return "view", {"user_id": presence[1], "action": action, "source": "community"}
    return None
