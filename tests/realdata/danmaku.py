"""Comments of three Bilibili rooms (MIT, wudifeixue/bilibili-Vtuber-danmaku) as `comment` records.

A folder is a room, a file one day there. A line `TIMEh:mONLINEn` sets the minute, every other line is one comment,
an empty one too; a last line `SPEAKERNUMn` may close the file.

**User ids are made up**: the recording has none. Each comment is dealt to one of a room's 2,000 invented users by a
hash of where it stands, so figures about users of these rooms mean nothing, and only counts of comments do.
**Times within a minute are made up too**: a minute's comments are spread evenly over it, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.realdata.record import Record, record

ZONE = ZoneInfo("Asia/Shanghai")
INVENTED_USERS = 2_000

_TIME = re.compile(r"TIME(\d{1,2}):(\d{1,2})ONLINE\d+")
_CLOSE = re.compile(r"SPEAKERNUM\d+")


def records(folder: Path) -> Iterator[Record]:
    """A room's comments in the order of their times; record timestamps are the event times."""
    for file in sorted(folder.glob("*.txt"), key=_date):
        for minute_ms, comments in _minutes(file):
            for nth, (line, text) in enumerate(comments):
                event_time = minute_ms + nth * 60_000 // len(comments)
                yield record(
                    "comment",
                    {
                        "event_id": f"{folder.name}/{file.stem}/{line}",
                        "event_time": event_time,
                        "schema_version": 1,
                        "platform": "bilibili",
                        "room_id": folder.name,
                        "user_id": _invented_user(folder.name, minute_ms, nth, text),
                        "text": text,
                    },
                )


def _date(file: Path) -> datetime:
    year, month, day = map(int, file.stem.split("-"))
    return datetime(year, month, day, tzinfo=ZONE)


def _minutes(file: Path) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Each minute in milliseconds with its comments as (line number, text); a minute that is named twice in a row is one."""
    lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if _CLOSE.fullmatch(lines[-1]):
        lines.pop()
    minute_ms: int | None = None
    comments: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if time := _TIME.fullmatch(line):
            begun = int(_date(file).replace(hour=int(time[1]), minute=int(time[2])).timestamp()) * 1_000
            if begun != minute_ms:
                if minute_ms is not None:
                    yield minute_ms, comments
                minute_ms, comments = begun, []
        else:
            if minute_ms is None:
                raise ValueError(f"{file.name}: a comment stands before the first TIME line")
            comments.append((number, line))
    if minute_ms is not None:
        yield minute_ms, comments


def _invented_user(room: str, minute_ms: int, nth: int, text: str) -> str:
    digest = sha256(f"{room}|{minute_ms}|{nth}|{text}".encode()).digest()
    return f"invented-{int.from_bytes(digest[:8]) % INVENTED_USERS:04d}"
