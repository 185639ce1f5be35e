"""Whether an event changed in a way that its producers, or records that are in Kafka already, do not survive.

Each release keeps its events as they were in `released/<version>/`: the JSON Schemas and the topics' files. Until the next one an
event may gain optional fields and may get wider; whatever else it needs is a new event, `<event>_v2`, with a topic of its own.
`schema_version` in a record is the producer's own note and permits nothing: every reader reads all versions of an event alike.

What cannot be seen from here: a field that keeps its name and bounds and means something else. And an unknown field is ignored
until an optional one takes its name: from then on it is judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from schemas.events import EVENTS
from schemas.generate.json_schema import event_schema
from schemas.topics import topics

RELEASED = Path(__file__).parent / "released"

Schema = Mapping[str, Any]
"""A JSON Schema as `schemas.generate.json_schema` writes it, of an event or of one of its fields."""


class Kind(StrEnum):
    """How a change breaks what was released: the first word of each reason."""

    REMOVED = "removed"
    REQUIRED = "required"
    NARROWED = "narrowed"
    TOPIC = "topic"


_LOWER, _UPPER = ("minimum", "minLength"), ("maximum", "maxLength")
_JUDGED = {"type", "enum", "pattern", *_LOWER, *_UPPER}
_ANNOTATIONS = {"title", "description"}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Why events that were valid under the old schema of an event may not be stored whole under the new one.

    Returns:
        A reason a change, `<kind>: <field>: <what>`; empty when every event that has only fields of the old schema, and
        unknown ones of other names than the new ones, is valid under the new one.
    """
    found = []
    newly_required = [name for name in new["required"] if name not in old["required"]]
    for name, before in old["properties"].items():
        after = new["properties"].get(name)
        if after is None:
            found.append(f"{Kind.REMOVED}: {name}: producers send it, and it would no longer be stored")
            continue
        found += [f"{Kind.NARROWED}: {name}: {how}" for how in _narrowings(before, after, name in newly_required)]
    for name in newly_required:
        so_far = "may be left out so far" if name in old["properties"] else "nobody sends it yet"
        found.append(f"{Kind.REQUIRED}: {name}: {so_far}")
    if old.get("additionalProperties", True) and not new.get("additionalProperties", True):
        found.append(f"{Kind.NARROWED}: fields without a name here: ignored so far")
    return found


def breaking_topic_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why a topic's file no longer fits the records and the Kafka topics that are there; as `breaking_changes`.

    Retention is no part of it: a shorter one breaks no event and no reader.
    """
    found = []
    if new["key"] != old["key"]:
        found.append(f"{Kind.TOPIC}: key: {old['key']} → {new['key']}: copies of one record would be in two partitions")
    if new["partitions"] < old["partitions"]:
        found.append(f"{Kind.TOPIC}: partitions: {old['partitions']} → {new['partitions']}: Kafka takes none away")
    if new.get("count_once_by") != old.get("count_once_by"):
        was, now = (one.get("count_once_by") or "nothing" for one in (old, new))
        found.append(f"{Kind.TOPIC}: count_once_by: {was} → {now}: counters would change their meaning")
    return found


def last_release(folder: Path = RELEASED) -> Path:
    """The folder of the greatest version."""
    return max(folder.iterdir(), key=lambda path: [int(part) for part in path.name.split(".")])


def breaks_since(release: Path) -> dict[str, list[str]]:
    """Event of a release -> what breaks it today; events that came since are free."""
    found = {}
    for path in sorted((release / "json_schema").glob("*.json")):
        name = path.stem
        if name not in EVENTS:
            found[name] = [f"{Kind.REMOVED}: the event: producers send it, and its topic holds records"]
            continue
        schema = json.loads(path.read_text(encoding="utf-8"))
        topic = yaml.safe_load((release / "topics" / f"{name}.yaml").read_text(encoding="utf-8"))
        found[name] = breaking_changes(schema, event_schema(name, EVENTS[name]))
        found[name] += breaking_topic_changes(topic, topics()[name].model_dump())
    return found


def _narrowings(before: Schema, after: Schema, now_required: bool) -> Iterator[str]:
    """In what a field takes less than before. Where it is required now, a null is no matter of its own."""
    null = {"null"} if now_required else set()
    if gone := _types(before) - _types(after) - null:
        yield f"no {' or '.join(sorted(gone))} any more"
    if "enum" in after:
        values = [value for value in after["enum"] if value is not None]
        removed = [value for value in before.get("enum", ()) if value not in values and value is not None]
        if "enum" not in before:
            yield f"only {', '.join(values)} from now on"
        elif removed:
            yield f"no {', '.join(removed)} any more"
    if after.get("pattern") not in (None, before.get("pattern")):
        # Whether one pattern takes all that another does is not decided here: a changed one counts as narrower.
        yield f"pattern {before.get('pattern', 'none')} → {after['pattern']}"
    for bound in (*_LOWER, *_UPPER):
        if _tighter(bound, before.get(bound), after.get(bound)):
            yield f"{bound} {before.get(bound, 'none')} → {after[bound]}"
    for keyword in sorted((before.keys() | after.keys()) - _JUDGED - _ANNOTATIONS):
        if before.get(keyword) != after.get(keyword):
            yield f"{keyword} changed, and what that does is not known here"


def _types(field: Schema) -> set[str]:
    kind = field["type"]
    return {kind} if isinstance(kind, str) else set(kind)


def _tighter(bound: str, before: int | None, after: int | None) -> bool:
    if after is None:
        return False
    if before is None and bound == "minLength":
        before = 0
    if before is None:
        return True
    return after > before if bound in _LOWER else after < before
