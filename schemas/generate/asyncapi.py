"""AsyncAPI document of the event topics: who sends what where, and who reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

import schemas
from schemas.events import EVENTS
from schemas.topics import Topic, topics

_KAFKA = "0.5.0"  # version of AsyncAPI's Kafka bindings


def document() -> dict[str, Any]:
    """The document, AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:livepulse:events",
        "info": {
            "title": "livepulse events",
            "version": "1.0.0",
            "description": (
                "Events of live-commerce rooms and their chat communities. A record's value is one JSON object in UTF-8; its"
                " Kafka timestamp decides whether the event is late. Records that are no valid event are kept in the table"
                " `dead_letter` with the reason."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in topics().items()},
        "operations": {name: operation for topic in topics().values() for name, operation in _operations(topic).items()},
        "components": {"messages": {name: _message(topic) for name, topic in topics().items()}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "tags": [{"name": f"owner:{topic.owner}"}],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": topic.retention_hours * 3_600_000},
                "bindingVersion": _KAFKA,
            }
        },
        "x-owner": topic.owner,
        "x-producers": topic.producers,
        "x-consumers": topic.consumers,
    }


def _operations(topic: Topic) -> dict[str, dict[str, Any]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{topic.name}"}]
    return {
        f"send_{topic.name}": {
            "action": "send",
            "summary": f"{', '.join(topic.producers)} send it.",
            "channel": channel,
            "messages": messages,
        },
        f"receive_{topic.name}": {
            "action": "receive",
            "summary": f"{', '.join(topic.consumers)} read it.",
            "channel": channel,
            "messages": messages,
        },
    }


def _message(topic: Topic) -> dict[str, Any]:
    model = EVENTS[topic.name]
    examples = sorted((Path(schemas.__file__).parent / "examples" / topic.name / "pass").glob("full.json"))
    return {
        "name": topic.name,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": f"./json_schema/{topic.name}.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The event's `{topic.key}`: copies of a record share a partition."},
                "bindingVersion": _KAFKA,
            }
        },
        "examples": [{"name": path.stem, "payload": json.loads(path.read_bytes())} for path in examples],
    }


class _Dumper(yaml.SafeDumper):
    """Writes a thing that occurs twice twice: aliases are hard to read, and some tools refuse them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    text = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return {"asyncapi.yaml": text}
