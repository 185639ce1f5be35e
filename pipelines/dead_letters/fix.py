"""What is changed in dead letters before they are sent again: a small mapping in a YAML file, and nothing cleverer.

    all:                                # for every topic; `all` first, then the topic's own
      rename: {uid: user_id}
    like:
      cast: {count: integer}
      default: {platform: app}

In a topic the steps come in this order: rename, remove, cast, set, default. A field that is null is one that is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipelines.dead_letters.read import DeadLetter, Place
from pipelines.errors import UserError
from schemas.events import EVENTS, Event
from schemas.rules import Reason
from schemas.topics import topics
from schemas.wire import Problem, check

ALL = "all"
"""Stands for every topic in a fix file."""

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_INTEGERS = range(-(2**63), 2**64)
_EXACT = 2**53
"""Beyond it a float may stand for several integers."""


def _text_or_integer(value: object) -> object:
    if isinstance(value, str) or (type(value) is int and value in _INTEGERS):
        return value
    raise ValueError(f"a text or an integer, not {value!r}: YAML takes yes, 1.5 and 2026-01-01 for something else without quotes")


Value = Annotated[int | str, PlainValidator(_text_or_integer)]


class Fix(BaseModel):
    """The steps for one topic, or for all."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rename: dict[str, str] = Field(default={}, description="Old name -> new name; what stood under the new name is replaced.")
    remove: list[str] = Field(default=[], description="Fields to leave out.")
    cast: dict[str, Literal["integer", "string"]] = Field(
        default={}, description='"3" and 3.0 to 3, or 3 to "3"; what is neither stays, and stays invalid.'
    )
    set: dict[str, Value] = Field(default={}, description="Values, whatever was there.")
    default: dict[str, Value] = Field(default={}, description="Values where the field is absent or null.")

    def apply(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event with every step taken."""
        changed = dict(event)
        for old, new in self.rename.items():
            if changed.get(old) is not None:
                changed[new] = changed.pop(old)
        for name in self.remove:
            changed.pop(name, None)
        for name, kind in self.cast.items():
            if name in changed:
                changed[name] = _cast(changed[name], kind)
        changed |= self.set
        changed |= {name: value for name, value in self.default.items() if changed.get(name) is None}
        return changed

    def targets(self) -> AbstractSet[str]:
        """The fields that it gives a value."""
        return {*self.rename.values(), *self.cast, *self.set, *self.default}


Fixes = Mapping[str, Fix]
"""Topic, or `all`, -> what to change."""


@dataclass(frozen=True)
class Repaired:
    """A dead letter as the event that it should have been."""

    place: Place
    key: str
    value: bytes
    event_id: str
    fix: str
    """What was changed, as JSON; empty when nothing was."""
    received_ms: int
    """The dead letter's Kafka timestamp, which the event keeps: late or not, and its window, are as they were."""


class Refusal(NamedTuple):
    """Why a dead letter stays one."""

    reason: str
    """As in `dead_letter`, or another word for what no fix can help."""
    field: str = ""


TOO_DEEP = "too_deep"
"""It is JSON, but nested so deep that it is read and never written here."""


def load(path: Path) -> dict[str, Fix]:
    """The fixes in a file.

    Raises:
        UserError: it cannot be read, or is no mapping as it should be; with every mistake in it.
    """
    try:
        found = TypeAdapter(dict[str, Fix]).validate_python(yaml.safe_load(path.read_bytes()))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.", exit_code=2) from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}", exit_code=2) from None
    except ValidationError as error:
        raise _wrong(path, [_place_and_message(item) for item in error.errors()]) from None
    if wrong := [complaint for name, fix in found.items() for complaint in _complaints(name, fix)]:
        raise _wrong(path, wrong)
    return found


def repair(letter: DeadLetter, fixes: Fixes, future_seconds: int) -> Repaired | Refusal:
    """The event that a dead letter holds once it is repaired, or why it would be a dead letter again.

    Judged as the pipeline judges it, against the timestamp that the record had. An event without an `event_id` gets one
    from its place, the same each time.

    Args:
        future_seconds: how far ahead of that timestamp an event may claim to be.
    """
    topic = letter.place.topic
    if topic not in EVENTS:  # a metric topic's: jobs write those, and write them again
        return Refusal(letter.reason, letter.field)
    before = check(topic, letter.raw, letter.received_ms, future_seconds)
    if isinstance(before, Problem) and before.reason in (Reason.MALFORMED_JSON, Reason.NOT_AN_OBJECT):
        return Refusal(before.reason)
    applied = [(name, fixes[name]) for name in (ALL, topic) if name in fixes]
    try:
        event = json.loads(letter.raw.decode(), object_pairs_hook=_first_of_each)
        changed = event
        for _, fix in applied:
            changed = fix.apply(changed)
        if changed.get("event_id") is None:
            changed = {**changed, "event_id": derived_id(letter.place)}
        value = orjson.dumps(changed)
        as_it_was = value == orjson.dumps(event)
    except (RecursionError, orjson.JSONEncodeError):
        return Refusal(TOO_DEEP)
    if as_it_was:
        value = letter.raw
    after = check(topic, value, letter.received_ms, future_seconds)
    if isinstance(after, Problem):
        return Refusal(after.reason, after.field)
    what = {name: fix.model_dump(exclude_defaults=True) for name, fix in applied}
    return Repaired(
        place=letter.place,
        key=getattr(after, topics()[topic].key),
        value=value,
        event_id=after.event_id,
        fix="" if as_it_was else orjson.dumps(what).decode(),
        received_ms=letter.received_ms,
    )


def derived_id(place: Place) -> str:
    """The `event_id` of an event that came without one: the same however often it is sent again."""
    return f"dead-letter/{place}"


def _first_of_each(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object as every reader takes it: of a name that stands twice, the first counts."""
    event: dict[str, Any] = {}
    for name, value in members:
        event.setdefault(name, value)
    return event


def _cast(value: object, kind: str) -> object:
    if kind == "integer":
        if isinstance(value, str) and _INTEGER.fullmatch(value) and int(value) in _INTEGERS:
            return int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _complaints(name: str, fix: Fix) -> Iterator[str]:
    """What is wrong with one entry of a fix file, beyond its form."""
    if name != ALL and name not in EVENTS:
        yield f"{name}: no topic; there are {', '.join(EVENTS)}, and {ALL} for every one"
        return
    model = Event if name == ALL else EVENTS[name]
    for target in sorted(fix.targets() - model.model_fields.keys()):
        yield f"{name}: {target} is no field of {'every event' if name == ALL else name}; there are {', '.join(model.model_fields)}"
    if "event_id" in fix.set or "event_id" in fix.default:
        yield f"{name}: one event_id for many events would make them count as one; an event without one gets its own"


def _place_and_message(error: ErrorDetails) -> str:
    return f"{'.'.join(map(str, error['loc'])) or 'the file'}: {error['msg'].removeprefix('Value error, ')}"


def _wrong(path: Path, complaints: list[str]) -> UserError:
    hint = "An example: livepulse dead-letters replay --help"
    return UserError(f"{path} is no fix:\n" + "\n".join(f"  {line}" for line in complaints), hint, exit_code=2)
