"""What a record's bytes mean: the wire format, read in Python.

ClickHouse and Flink read the same bytes on their own; all three decide alike, by the rules of
docs/adr/0003-strict-json.md. This is the reader for whoever has a single record in hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.events import EVENTS, Event
from schemas.rules import Reason

MAX_DEPTH = 1_023
"""How many objects and arrays a value may stand in: where ClickHouse's parser ends."""

_INTEGERS = range(-(2**63), 2**64)
"""Beyond them no two parsers agree on a value."""

# Of a document that is known to be JSON, so that it need not be any stricter.
_TOKEN = re.compile(
    rb'(?P<name>"(?:[^"\\]|\\.)*+")[ \t\r\n]*:'
    rb'|(?P<scalar>"(?:[^"\\]|\\.)*+"|true|false|null|-?[0-9]+[.eE][-+.0-9eE]*)'
    rb"|(?P<integer>-?[0-9]+)"
    rb"|(?P<open>[\[{])"
    rb"|(?P<close>[\]}])"
)

_REASONS = {
    "missing": Reason.MISSING_FIELD,
    "int_type": Reason.WRONG_TYPE,
    "string_type": Reason.WRONG_TYPE,
    "string_too_short": Reason.TOO_SHORT,
    "string_too_long": Reason.TOO_LONG,
    "string_pattern_mismatch": Reason.BAD_FORMAT,
    "greater_than_equal": Reason.OUT_OF_RANGE,
    "less_than_equal": Reason.OUT_OF_RANGE,
    "less_than": Reason.OUT_OF_RANGE,
}
"""pydantic's types of error; one that is not here raises KeyError: a new kind of bound needs a reason first."""


@dataclass(frozen=True)
class Problem:
    """Why a record is no event, as `dead_letter` has it."""

    reason: Reason
    field: str = ""
    """The first field that is wrong, in the model's order; empty when it is the whole record."""


def check(topic: str, value: bytes, received_ms: int, future_seconds: int = 300) -> Event | Problem:
    """The event that a record holds, or what is wrong with it.

    Args:
        topic: one of `schemas.events.EVENTS`.
        value: the record's value, as in Kafka.
        received_ms: the record's Kafka timestamp.
        future_seconds: how far ahead of it an event may claim to be.
    """
    members = _members(value)
    if isinstance(members, Reason):
        return Problem(members)
    try:
        event = EVENTS[topic].model_validate({name: found for name, found in members.items() if found is not None})
    except ValidationError as error:
        # In the model's order: pydantic goes by it.
        first = error.errors(include_url=False, include_context=False)[0]
        return Problem(_reason(first), str(first["loc"][0]))
    if event.event_time > received_ms + future_seconds * 1_000:
        return Problem(Reason.FUTURE_EVENT_TIME, "event_time")
    return event


def _members(value: bytes) -> dict[str, Any] | Reason:
    """The members of the object that a record holds, the first of each name; objects and arrays among them are empty."""
    try:
        # RFC 8259 in UTF-8 to the letter, no byte order mark, no lone surrogate, no number beyond a double. But of a
        # repeated name it keeps the last value, and it makes floats of great integers: what it read is not used.
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return Reason.MALFORMED_JSON
    members: dict[str, Any] = {}
    name = ""
    depth = 0
    for match in _TOKEN.finditer(value):
        if match["close"]:
            depth -= 1
            continue
        if depth > MAX_DEPTH or (match["integer"] and int(match["integer"]) not in _INTEGERS):
            return Reason.MALFORMED_JSON
        if match["name"]:
            name = orjson.loads(match["name"]) if depth == 1 else ""
            continue
        if depth == 1:
            members.setdefault(name, [] if match["open"] else orjson.loads(match[0]))
        if match["open"]:
            depth += 1
    return members if isinstance(document, dict) else Reason.NOT_AN_OBJECT


def _reason(error: Mapping[str, Any]) -> Reason:
    if error["type"] == "literal_error":
        return Reason.UNKNOWN_VALUE if isinstance(error["input"], str) else Reason.WRONG_TYPE
    return _REASONS[error["type"]]
