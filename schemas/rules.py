"""What a model demands of each field, in a form that other languages can be written from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from schemas.events.base import MAX_ID_LENGTH, Event


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
    """One field: its type, whether it must be there, and its bounds (lengths in Unicode code points).

    An integer has both bounds, a string that has a least length has a greatest one.
    """

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

    @property
    def free_text(self) -> bool:
        """Whether it is what a person wrote: text that may be longer than an id."""
        closed = self.values or self.pattern
        return self.kind == "string" and not closed and (self.max_length is None or self.max_length > MAX_ID_LENGTH)


_UNDERSTOOD = {
    "string": {"minLength", "maxLength", "pattern", "enum"},
    "integer": {"minimum", "maximum", "exclusiveMaximum"},
}
_ANNOTATIONS = {"type", "title", "description", "default"}


def field_rules(model: type[Event]) -> list[FieldRule]:
    """The rules of a model's fields, in its order, read from its JSON Schema.

    Raises:
        TypeError: a field has a type or a bound that cannot be written down for every reader alike.
    """
    schema = model.model_json_schema()
    required = set(schema["required"])
    rules = []
    for name, prop in schema["properties"].items():
        kind = next((o for o in prop.get("anyOf", [prop]) if o.get("type") != "null"), prop)
        if complaint := _complaint(kind):
            raise TypeError(f"{model.__name__}.{name}: {complaint}")
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


def _complaint(kind: dict[str, Any]) -> str:
    """Why a field cannot be carried; empty when it can."""
    understood = _UNDERSTOOD.get(kind.get("type", ""))
    if understood is None:
        return f"only strings and integers can be carried, not {kind}"
    if unknown := kind.keys() - understood - _ANNOTATIONS:
        return f"nothing is known of {', '.join(sorted(unknown))}"
    if kind["type"] == "integer" and ("minimum" not in kind or not kind.keys() & {"maximum", "exclusiveMaximum"}):
        return "an integer needs a least and a greatest value"
    if "minLength" in kind and "maxLength" not in kind:
        return "a string with a least length needs a greatest one"
    if not re.fullmatch(r"\^[^\\$]+\$", kind.get("pattern", "^.$")):
        return "a pattern is ^...$ without backslashes: there are four engines that read it"
    return ""
