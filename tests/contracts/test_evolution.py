"""Events may only change as producers, and records that are in Kafka already, survive it: against the last release."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import schemas
from schemas.events import EVENTS, Event
from schemas.evolution import RELEASED, breaks_since, last_release
from schemas.wire import check

ROOT = Path(schemas.__file__).parent.parent
LAST = last_release()
EVENTS_THEN = sorted(path.stem for path in (LAST / "json_schema").glob("*.json"))


def test_every_release_has_kept_its_schemas() -> None:
    released = set(re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {path.name for path in RELEASED.iterdir()} == released, "see CONTRIBUTING, releasing"


@pytest.mark.parametrize("release", sorted(RELEASED.iterdir()), ids=lambda path: path.name)
def test_a_release_has_a_schema_and_a_topic_of_each_event(release: Path) -> None:
    topics = {path.stem for path in (release / "topics").iterdir()}
    assert topics == {path.stem for path in (release / "json_schema").iterdir()} != set()


@pytest.mark.parametrize("event", EVENTS_THEN)
def test_nothing_breaks_what_was_released(event: str) -> None:
    assert breaks_since(LAST)[event] == [], "make it a new event with a topic of its own, see CONTRIBUTING, change a definition"


@st.composite
def released_events(draw: st.DrawFn, event: str) -> dict[str, Any]:
    """What a producer that was made for the last release may send, fields that nobody knows included."""
    schema = json.loads((LAST / "json_schema" / f"{event}.json").read_text(encoding="utf-8"))
    sent = {}
    for name, rule in schema["properties"].items():
        value = _value(rule)
        if name not in schema["required"]:
            value = st.none() | value
        if name in schema["required"] or draw(st.booleans()):
            sent[name] = draw(value)
    if draw(st.booleans()):
        sent["a_field_that_nobody_knows"] = draw(st.integers(0, 9) | st.text("ab"))
    return sent


def _value(rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in rule:
        return st.sampled_from(rule["enum"])
    if "pattern" in rule:
        return st.from_regex(rule["pattern"].removesuffix("$") + r"\Z")
    if "integer" in rule["type"]:
        return st.integers(rule["minimum"], rule["maximum"])
    characters = st.characters(codec="utf-8")
    return st.text(characters, min_size=rule.get("minLength", 0), max_size=rule["maxLength"])


@pytest.mark.parametrize("event", EVENTS_THEN)
def test_what_producers_of_the_last_release_send_is_read_today(event: str) -> None:
    @hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(released_events(event))
    def read(sent: dict[str, Any]) -> None:
        found = check(event, json.dumps(sent).encode(), received_ms=sent["event_time"])
        assert isinstance(found, EVENTS[event]), found
        assert isinstance(found, Event)
        read_again = found.model_dump()
        assert {name: value for name, value in sent.items() if name in read_again and value is not None} == {
            name: value for name, value in read_again.items() if value is not None
        }

    read()
