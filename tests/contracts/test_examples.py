"""The examples of `schemas/examples`, and what is generated for people and tools outside: JSON Schema, AsyncAPI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from pipelines.generate import GENERATED, stale
from schemas.events import EVENTS
from schemas.generate.json_schema import event_schema
from schemas.rules import Reason, field_rules
from schemas.topics import topics
from schemas.wire import Problem, check
from tests.contracts import EXAMPLES, RECEIVED_MS

PATHS = sorted(EXAMPLES.glob("*/*/*.json"))

NOT_IN_JSON_SCHEMA = {
    "wrong_type-fraction_for_integer": "1.0 is an integer there",
    "wrong_type-exponent_for_integer": "1e0 is an integer there",
    "bad_format-currency_and_line_break": "Python's `$` also matches before a line break at the end",
}


def example_id(path: Path) -> str:
    return path.relative_to(EXAMPLES).with_suffix("").as_posix()


def expected_reason(path: Path) -> str:
    """What the example's place and name promise: the reason before the first dash, nothing where it shall pass."""
    return path.stem.partition("-")[0] if path.parent.name == "fail" else ""


@pytest.mark.parametrize("path", PATHS, ids=example_id)
def test_example(path: Path) -> None:
    found = check(path.parent.parent.name, path.read_bytes(), RECEIVED_MS)
    assert (found.reason if isinstance(found, Problem) else "") == expected_reason(path)


@pytest.mark.parametrize("topic", EVENTS)
def test_every_reason_has_an_example(topic: str) -> None:
    rules = field_rules(EVENTS[topic])
    reasons = set(Reason)
    if not any(rule.pattern for rule in rules):
        reasons.remove(Reason.BAD_FORMAT)
    if not any(rule.values for rule in rules):
        reasons.remove(Reason.UNKNOWN_VALUE)
    assert {expected_reason(path) for path in PATHS if path.parent == EXAMPLES / topic / "fail"} == reasons
    passing = {path.stem for path in PATHS if path.parent == EXAMPLES / topic / "pass"}
    assert passing >= {"minimal", "full"}
    assert len(passing) >= 3


@pytest.mark.parametrize("topic", EVENTS)
def test_full_has_every_field_and_minimal_the_required_ones(topic: str) -> None:
    assert json.loads((EXAMPLES / topic / "pass" / "full.json").read_bytes()).keys() == EVENTS[topic].model_fields.keys()
    required = {rule.name for rule in field_rules(EVENTS[topic]) if rule.required}
    assert json.loads((EXAMPLES / topic / "pass" / "minimal.json").read_bytes()).keys() == required


def test_nothing_generated_is_stale() -> None:
    assert stale() == []


# JSON Schema


@pytest.mark.parametrize("topic", EVENTS)
def test_json_schema_is_one(topic: str) -> None:
    Draft202012Validator.check_schema(event_schema(topic, EVENTS[topic]))


def _in_its_reach(path: Path) -> bool:
    return expected_reason(path) not in (Reason.MALFORMED_JSON, Reason.FUTURE_EVENT_TIME) and path.stem not in NOT_IN_JSON_SCHEMA


@pytest.mark.parametrize("path", [path for path in PATHS if _in_its_reach(path)], ids=example_id)
def test_json_schema_agrees(path: Path) -> None:
    topic = path.parent.parent.name
    document = json.loads(path.read_bytes(), object_pairs_hook=lambda members: dict(reversed(members)))
    assert Draft202012Validator(event_schema(topic, EVENTS[topic])).is_valid(document) == (path.parent.name == "pass")


# AsyncAPI


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((GENERATED / "asyncapi.yaml").read_text(encoding="utf-8"))
    return document


def test_asyncapi_has_what_its_version_wants(asyncapi: dict[str, Any]) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert asyncapi["info"].keys() >= {"title", "version"}
    assert asyncapi["channels"].keys() == topics().keys()
    actions = {(one["action"], one["channel"]["$ref"].rpartition("/")[2]) for one in asyncapi["operations"].values()}
    assert actions == {(action, topic) for action in ("send", "receive") for topic in topics()}
    for one in asyncapi["operations"].values():
        # A message of an operation is one of its channel's, named through the channel.
        assert all(message["$ref"].startswith(one["channel"]["$ref"] + "/messages/") for message in one["messages"])


def test_asyncapi_references_lead_somewhere(asyncapi: dict[str, Any]) -> None:
    references = list(_references(asyncapi))
    assert len(references) > len(topics())
    for reference in references:
        file, _, pointer = reference.partition("#")
        target = json.loads((GENERATED / file).read_text(encoding="utf-8")) if file else asyncapi
        for part in filter(None, pointer.split("/")):
            target = target[part]


def test_asyncapi_says_what_topics_say(asyncapi: dict[str, Any]) -> None:
    for name, topic in topics().items():
        kafka = asyncapi["channels"][name]["bindings"]["kafka"]
        assert (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) == (
            topic.partitions,
            topic.retention_hours * 3_600_000,
        )
        message = asyncapi["components"]["messages"][name]
        assert f"`{topic.key}`" in message["bindings"]["kafka"]["key"]["description"]
        schema = json.loads((GENERATED / message["payload"]["$ref"]).read_text(encoding="utf-8"))
        assert message["examples"]
        for example in message["examples"]:
            Draft202012Validator(schema).validate(example["payload"])


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
