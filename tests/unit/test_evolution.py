"""What counts as a breaking change: by a table, and against what a JSON Schema validator says of all events of a small world."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from schemas.evolution import breaking_changes, breaking_topic_changes

Schema = dict[str, Any]

ORDER: Schema = {
    "type": "object",
    "properties": {
        "id": {"description": "An id.", "type": "string", "minLength": 1, "maxLength": 64},
        "amount": {"type": "integer", "minimum": 0, "maximum": 1_000},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "status": {"type": "string", "enum": ["created", "paid"]},
        "source": {"type": ["string", "null"], "enum": ["feed", "search", None]},
        "note": {"type": ["string", "null"], "maxLength": 10},
    },
    "required": ["id", "amount", "currency", "status"],
    "additionalProperties": True,
}


def changed(change: Callable[[Schema], object]) -> Schema:
    """The order with something changed."""
    new = copy.deepcopy(ORDER)
    change(new)
    return new


def field(name: str, **keywords: object) -> Schema:
    """The order with other keywords in a field; None takes one away."""

    def change(schema: Schema) -> None:
        old = schema["properties"].get(name, {})
        schema["properties"][name] = {k: v for k, v in (old | keywords).items() if v is not None}

    return changed(change)


def required(*names: str) -> Schema:
    return changed(lambda schema: schema.update(required=list(names)))


@pytest.mark.parametrize(
    "new",
    {
        "nothing": ORDER,
        "an optional field": field("gift", type=["string", "null"], maxLength=3),
        "no longer required": required("id", "amount", "status"),
        "wider bounds": field("amount", minimum=-5, maximum=2_000),
        "no least length": field("id", minLength=None),
        "a least length of nothing": field("note", minLength=0),
        "longer": field("note", maxLength=11),
        "no greatest length": field("note", maxLength=None),
        "any text": field("currency", pattern=None),
        "one value more": field("status", enum=["created", "paid", "refunded"]),
        "any value": field("source", enum=None),
        "another description": field("id", description="The id."),
        "another sequence": changed(lambda s: s.update(properties=dict(reversed(s["properties"].items())))),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_may_change(new: tuple[str, Schema]) -> None:
    assert breaking_changes(ORDER, new[1]) == []


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (changed(lambda s: s["properties"].pop("note")), "removed: note: producers send it, and it would no longer be stored"),
        (required(*ORDER["required"], "note"), "required: note: may be left out so far"),
        (
            changed(lambda s: (s["properties"].update(gift={"type": "string"}), s["required"].append("gift"))),
            "required: gift: nobody sends it yet",
        ),
        (field("amount", type="string", minimum=None, maximum=None), "narrowed: amount: no integer any more"),
        (field("note", type="string"), "narrowed: note: no null any more"),
        (field("amount", minimum=1), "narrowed: amount: minimum 0 → 1"),
        (field("amount", maximum=999), "narrowed: amount: maximum 1000 → 999"),
        (field("id", minLength=2), "narrowed: id: minLength 1 → 2"),
        (field("id", maxLength=63), "narrowed: id: maxLength 64 → 63"),
        (field("note", minLength=1), "narrowed: note: minLength none → 1"),
        (field("currency", maxLength=3), "narrowed: currency: maxLength none → 3"),
        (field("currency", pattern="^[A-Z]+$"), "narrowed: currency: pattern ^[A-Z]{3}$ → ^[A-Z]+$"),
        (field("id", pattern="^x$"), "narrowed: id: pattern none → ^x$"),
        (field("status", enum=["paid"]), "narrowed: status: no created any more"),
        (field("source", enum=["feed", None]), "narrowed: source: no search any more"),
        (field("note", enum=["hi", None]), "narrowed: note: only hi from now on"),
        (field("amount", multipleOf=5), "narrowed: amount: multipleOf changed, and what that does is not known here"),
        (changed(lambda s: s.update(additionalProperties=False)), "narrowed: fields without a name here: ignored so far"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_not(new: Schema, reason: str) -> None:
    assert breaking_changes(ORDER, new) == [reason]


TOPIC = {"key": "room_id", "partitions": 4, "retention_hours": 72, "count_once_by": "event_id", "owner": "rooms"}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"partitions": 8, "owner": "shop"}, []),
        ({"retention_hours": 24}, []),
        ({"partitions": 3}, ["topic: partitions: 4 → 3"]),
        ({"key": "user_id"}, ["topic: key: room_id → user_id"]),
        ({"count_once_by": None}, ["topic: count_once_by: event_id → nothing"]),
    ],
    ids=str,
)
def test_topics(change: dict[str, object], kinds: list[str]) -> None:
    assert [reason.rpartition(": ")[0] for reason in breaking_topic_changes(TOPIC, TOPIC | change)] == kinds


# A world so small that every value can be tried.

TEXTS = ["", "a", "b", "aa", "bb", "aaa"]
NUMBERS = [-1, 0, 1, 2, 3, 4]
WORLD: list[object] = [None, *TEXTS, *NUMBERS]


def _bounds(lower: str, upper: str) -> st.SearchStrategy[Schema]:
    either = st.none() | st.integers(0, 3)
    return st.tuples(either, either).map(lambda pair: {k: v for k, v in zip((lower, upper), pair, strict=True) if v is not None})


_ENUMS = st.lists(st.sampled_from(TEXTS[1:]), min_size=1, unique=True).map(lambda values: {"enum": values})
_PATTERNS = st.sampled_from(["^a+$", "^[ab]$", "^[ab]+$"]).map(lambda pattern: {"pattern": pattern})
_FIELDS = st.one_of(
    _bounds("minLength", "maxLength").map(lambda own: {"type": "string"} | own),
    _ENUMS.map(lambda own: {"type": "string"} | own),
    _PATTERNS.map(lambda own: {"type": "string"} | own),
    _bounds("minimum", "maximum").map(lambda own: {"type": "integer"} | own),
)


def _optional(own: Schema) -> Schema:
    values = {"enum": [*own["enum"], None]} if "enum" in own else {}
    return own | {"type": [own["type"], "null"]} | values


@st.composite
def small_schemas(draw: st.DrawFn) -> Schema:
    """A schema of some of the fields x and y."""
    chosen = draw(st.dictionaries(st.sampled_from("xy"), st.tuples(_FIELDS, st.booleans()), min_size=1))
    return {
        "type": "object",
        "properties": {name: own if needed else _optional(own) for name, (own, needed) in chosen.items()},
        "required": [name for name, (_, needed) in chosen.items() if needed],
        "additionalProperties": True,
    }


def all_events(schema: Schema) -> list[dict[str, object]]:
    """Every event of the world that has only fields of the schema and is valid under it."""
    names = list(schema["properties"])
    absent = object()
    choices = itertools.product([*WORLD, absent], repeat=len(names))
    events = [{k: v for k, v in zip(names, values, strict=True) if v is not absent} for values in choices]
    valid = Draft202012Validator(schema).is_valid
    return [event for event in events if valid(event)]


@given(small_schemas(), small_schemas())
def test_what_no_reason_is_given_against_stays_valid(old: Schema, new: Schema) -> None:
    if not breaking_changes(old, new):
        valid = Draft202012Validator(new).is_valid
        assert [event for event in all_events(old) if not valid(event)] == []


@given(st.one_of([st.tuples(own, own) for own in (_bounds("minimum", "maximum"), _ENUMS)]))
def test_no_reason_is_given_without_an_event_that_breaks(pair: tuple[Schema, Schema]) -> None:
    """For bounds and values there is such an event for each reason; patterns and lengths may be reported without one."""
    old, new = (
        {"type": "object", "properties": {"x": {"type": "string" if "enum" in own else "integer"} | own}, "required": ["x"]}
        for own in pair
    )
    valid = Draft202012Validator(new).is_valid
    broken = [event for event in all_events(old) if not valid(event)]
    assert bool(breaking_changes(old, new)) == bool(broken) or not all_events(old)


def test_the_small_world_has_pairs_of_both_kinds() -> None:
    """Else the tests above would say nothing."""
    found = set()

    @given(small_schemas(), small_schemas())
    def look(old: Schema, new: Schema) -> None:
        found.add((not breaking_changes(old, new), old != new and bool(all_events(old))))

    look()
    assert {(True, True), (False, True)} <= found


def test_reasons_can_be_read_by_programs() -> None:
    reasons = breaking_changes(ORDER, {"type": "object", "properties": {}, "required": []})
    assert {reason.split(": ")[0] for reason in reasons} == {"removed"}
    assert len(reasons) == len(ORDER["properties"])
    json.dumps(reasons)
