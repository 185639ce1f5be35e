"""What becomes of one record, decided by the record alone: counted, late, or a dead letter with a reason."""

from __future__ import annotations

import json
import sys
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.events import EVENTS, Event

Reason = Literal[
    "malformed_json",
    "not_an_object",
    "missing_field",
    "wrong_type",
    "out_of_range",
    "bad_format",
    "unknown_value",
    "too_long",
    "too_short",
    "future_event_time",
]


class Verdict(NamedTuple):
    """`valid`: stored and counted; `late`: stored, marked, not counted; `dead_letter`: neither, for `reason`."""

    kind: Literal["valid", "late", "dead_letter"]
    reason: Reason | None = None


VALID = Verdict("valid")
LATE = Verdict("late")

_REASON_OF: dict[str, Reason] = {
    "missing": "missing_field",
    "int_type": "wrong_type",
    "string_type": "wrong_type",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "string_pattern_mismatch": "bad_format",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
}
"""pydantic's error types. One that is missing here raises KeyError: a new kind of bound needs a decision."""


def classify(
    topic: str, value: bytes | None, timestamp_ms: int, *, lateness_seconds: int, future_seconds: int
) -> tuple[Verdict, Event | None]:
    """The verdict on a record, and its event unless it is a dead letter."""
    parsed = parse(topic, value)
    if not isinstance(parsed, Event):
        return Verdict("dead_letter", parsed), None
    delay_ms = timestamp_ms - parsed.event_time
    if -delay_ms > future_seconds * 1_000:
        return Verdict("dead_letter", "future_event_time"), None
    if delay_ms > lateness_seconds * 1_000:
        return LATE, parsed
    return VALID, parsed


def parse(topic: str, value: bytes | None) -> Event | Reason:
    """The event that the bytes hold, or why they hold none."""
    try:
        # RFC 8259 in UTF-8 to the letter: no byte order mark, no NaN, no lone surrogates, no text behind the
        # document. orjson also refuses what it cannot hold: numbers over a double's range and 1,025 levels.
        orjson.loads(value or b"")
        document = _read_again(value or b"")
    except (orjson.JSONDecodeError, _BeyondSixtyFourBits):
        return "malformed_json"
    if not isinstance(document, dict):
        return "not_an_object"
    # A null is the same as a field that was left out.
    present = {name: field for name, field in document.items() if field is not None}
    try:
        return EVENTS[topic].model_validate(present)
    except ValidationError as error:
        # pydantic reports in the order in which the model declares its fields, those of the base first.
        first = error.errors(include_url=False, include_context=False)[0]
    found = first["input"]
    if first["type"] == "literal_error":
        return "unknown_value" if isinstance(found, str) else "wrong_type"
    return _REASON_OF[first["type"]]


class _BeyondSixtyFourBits(Exception):
    """An integer that no 64-bit reader, signed or unsigned, can hold: no two parsers agree on what it is."""


def _integer(literal: str) -> int:
    if len(literal) > 20 or not -(2**63) <= int(literal) < 2**64:
        raise _BeyondSixtyFourBits
    return int(literal)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


_DECODER = json.JSONDecoder(object_pairs_hook=_first_wins, parse_int=_integer)


def _read_again(value: bytes) -> Any:
    """The document with what orjson does not tell: of a key that stands twice, the first counts; integers stay integers."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 2_000)  # orjson reads 1,024 levels
    try:
        return _DECODER.decode(value.decode())
    finally:
        sys.setrecursionlimit(limit)
