"""What a model demands of each field, in a form that other languages can be written from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from schemas.events.base import Event


class Reason(StrEnum):
    """Why a record is a dead letter. The first field that fails, in the model's order, gives the reason."""

    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    BAD_FORMAT = "bad_format"
    UNKNOWN_VALUE = "unknown_value"
    FUTURE_EVENT_TIME = "future_event_time"


@dataclass(frozen=True)
class FieldRule:
    """One field: its type, whether it must be there, and its bounds (lengths in Unicode code points)."""

    name: str
    description: str
    kind: Literal["string", "integer"]
    required: bool
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()


def field_rules(model: type[Event]) -> list[FieldRule]:
    """The rules of a model's fields, in its order, read from its JSON Schema.

    Raises:
        TypeError: a field is neither a string nor an integer; nothing further down could read it.
    """
    schema = model.model_json_schema()
    required = set(schema["required"])
    rules = []
    for name, prop in schema["properties"].items():
        kind = next((o for o in prop.get("anyOf", [prop]) if o.get("type") != "null"), prop)
        if kind.get("type") not in ("string", "integer"):
            raise TypeError(f"{model.__name__}.{name}: only strings and integers can be carried, not {kind}")
        maximum = kind.get("maximum")
        if "exclusiveMaximum" in kind:
            maximum = kind["exclusiveMaximum"] - 1
        rules.append(
            FieldRule(
                name=name,
                description=prop["description"],
                kind=kind["type"],
                required=name in required,
                min_length=kind.get("minLength"),
                max_length=kind.get("maxLength"),
                minimum=kind.get("minimum"),
                maximum=maximum,
                pattern=kind.get("pattern"),
                values=tuple(kind.get("enum", ())),
            )
        )
    return rules
