"""A dead letter for people and for programs. What it holds is anybody's: nothing of it may steer a terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from pipelines.dead_letters.read import DeadLetter, Group, Replayed
from pipelines.terminal import harmless

LONGEST = 4_000
"""Characters of a record that are shown; of bytes that are no text, a quarter as many."""

_LINE = 16


class Legible(NamedTuple):
    """A record's bytes in a form that can be read."""

    form: str
    """JSON, text or bytes."""
    text: str
    cut: bool


def legible(raw: bytes) -> Legible:
    """JSON indented (unless a name stands twice, which that would hide), other text as it is, anything else in hex."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Legible("bytes", "\n".join(_hex(raw[: LONGEST // 4])), len(raw) > LONGEST // 4)
    form = "text"
    try:
        orjson.loads(raw)  # stricter than the other, and it keeps great integers from being read for minutes
        text = json.dumps(json.loads(text, object_pairs_hook=_once), ensure_ascii=False, indent=2)
        form = "JSON"
    except (ValueError, RecursionError):
        pass
    return Legible(form, harmless(text[:LONGEST]), len(text) > LONGEST)


def group_json(group: Group) -> dict[str, Any]:
    """As `list --json` has it."""
    return group._asdict() | {"first_at": moment(group.first_at), "last_at": moment(group.last_at), "example": str(group.example)}


def letter_json(letter: DeadLetter, replays: Sequence[Replayed]) -> dict[str, Any]:
    """As `show --json` has it: the bytes in base64, which can hold any."""
    return {
        "place": str(letter.place),
        "reason": letter.reason,
        "field": letter.field,
        "received_at": moment(letter.received_at),
        "stored_at": moment(letter.stored_at),
        "bytes": len(letter.raw),
        "raw": base64.b64encode(letter.raw).decode(),
        "replayed": [replayed_json(letter, replayed) for replayed in replays],
    }


def replayed_json(letter: DeadLetter, replayed: Replayed) -> dict[str, Any]:
    """One time that it was sent again."""
    return {
        "place": f"{letter.place.topic}/{replayed.partition}/{replayed.offset}",
        "event_id": replayed.event_id,
        "at": moment(replayed.at),
        "fix": orjson.loads(replayed.fix) if replayed.fix else None,
    }


def moment(time: datetime) -> str:
    """A time in UTC to the millisecond, the same for people and programs."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name stands twice")
    return found


def _hex(raw: bytes) -> Iterator[str]:
    for start in range(0, len(raw), _LINE):
        line = raw[start : start + _LINE]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        yield f"{start:08x}  {line.hex(' '):<{3 * _LINE}} {shown}"
