"""JSON Schema of the events, for producers in any language."""

from __future__ import annotations

import json
from typing import Any

from schemas.events import EVENTS, Event
from schemas.rules import FieldRule, field_rules

_COMMENT = (
    "Necessary, not sufficient: livepulse also wants integers written as such (not 1.0 or 1e3), counts the first of two members"
    " with one name, and refuses events from the future. docs/adr/0003-strict-json.md has the rules."
)


def event_schema(topic: str, model: type[Event]) -> dict[str, Any]:
    """The schema of a topic's events, draft 2020-12."""
    rules = field_rules(model)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:livepulse:event:{topic}:v1",
        "$comment": _COMMENT,
        "title": model.__name__,
        "description": (model.__doc__ or "").strip(),
        "type": "object",
        "properties": {rule.name: {"description": rule.description} | constraints(rule) for rule in rules},
        "required": [rule.name for rule in rules if rule.required],
        "additionalProperties": True,
    }


def constraints(rule: FieldRule) -> dict[str, Any]:
    """What a field must be, as the keywords of its property."""
    # A null is the same as no field at all.
    values: list[str | None] = [*rule.values] if rule.required else [*rule.values, None]
    keywords = {
        "type": rule.kind if rule.required else [rule.kind, "null"],
        "enum": values if rule.values else None,
        "pattern": rule.pattern,
        "minLength": rule.min_length,
        "maxLength": rule.max_length,
        "minimum": rule.minimum,
        "maximum": rule.maximum,
    }
    return {name: value for name, value in keywords.items() if value is not None}


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {
        f"json_schema/{topic}.json": json.dumps(event_schema(topic, model), indent=2, ensure_ascii=False) + "\n"
        for topic, model in EVENTS.items()
    }
