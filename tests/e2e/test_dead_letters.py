"""One bad message of every kind: it is kept whole, with the right reason, and nothing stops."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable

import orjson
import pytest

from pipelines.recording import Record
from pipelines.settings import Settings
from tests.conftest import Cli
from tests.e2e.pipeline import new_prefix, query, send, wait_for

NOW_MS = int(time.time() * 1_000)
BROKER_LIMIT = 1_048_588
"""Kafka's default message.max.bytes, of a batch as it is sent."""

LARGE: dict[str, Callable[[], str]] = {
    # Noise does not get smaller by compression: this batch is just within the limit.
    "incompressible": lambda: base64.b64encode(random.Random(1).randbytes((BROKER_LIMIT - 2_000) * 3 // 4)).decode()[
        : BROKER_LIMIT - 2_000
    ],
    "compressed": lambda: "x" * 8_000_000,
}


def comment(prefix: str, **fields: object) -> bytes:
    return orjson.dumps(
        {
            "event_id": f"{prefix}bad",
            "event_time": NOW_MS,
            "schema_version": 1,
            "platform": "test",
            "room_id": f"{prefix}room",
            "user_id": "u1",
            "text": "hello",
        }
        | fields
    )


def view(prefix: str, **fields: object) -> bytes:
    event = orjson.loads(comment(prefix)) | {"action": "enter", "source": "feed"} | fields
    del event["text"]
    return orjson.dumps(event)


BAD: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "malformed_json": ("comment", lambda p: comment(p)[:-1]),
    "not_an_object": ("comment", lambda p: b'["' + p.encode() + b'"]'),
    "missing_field": ("comment", lambda p: comment(p, user_id=None)),
    "wrong_type": ("comment", lambda p: comment(p, room_id=5)),
    "out_of_range": ("comment", lambda p: comment(p, event_time=-1)),
    "unknown_value": ("view", lambda p: view(p, action="blink")),
    "too_long": ("comment", lambda p: comment(p, text="x" * 501)),
    "too_short": ("comment", lambda p: comment(p, room_id="")),
    "future_event_time": ("comment", lambda p: comment(p, event_time=NOW_MS + 3_600_000)),
}


def state(cli: Cli) -> list[tuple[str, int]]:
    """State of every application, and how often it was restored."""
    return [(job["state"], job["checkpoints"]["restored"]) for job in orjson.loads(cli("jobs", "status", "--json").stdout)]


@pytest.fixture(scope="module")
def before(cli: Cli) -> list[tuple[str, int]]:
    """The applications before anything bad was sent: what ran earlier may have restarted them."""
    return state(cli)


@pytest.fixture(scope="module")
def sent(stack: Settings, before: list[tuple[str, int]]) -> dict[str, bytes]:
    """Reason, or kind of large record -> what was sent: all at once, as a test that waits for one has waited for all."""
    records = {reason: Record(topic, "bad", NOW_MS, make(new_prefix())) for reason, (topic, make) in BAD.items()}
    records |= {kind: Record("comment", "bad", NOW_MS, comment(new_prefix(), text=text())) for kind, text in LARGE.items()}
    send(stack, records.values())
    return {name: record.value for name, record in records.items()}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_record_is_kept_with_its_reason_and_bytes(reason: str, stack: Settings, sent: dict[str, bytes]) -> None:
    sql = "SELECT reason, raw, _topic, _offset >= 0 FROM dead_letter FINAL WHERE raw = %(raw)s"
    raw = sent[reason].decode()
    rows = wait_for(lambda: query(stack, sql, raw=raw), f"a dead letter of {raw[:80]!r}")
    assert rows == [(reason, raw, BAD[reason][0], 1)]


@pytest.mark.parametrize("kind", LARGE)
def test_a_record_as_large_as_the_broker_accepts_is_kept_whole(kind: str, stack: Settings, sent: dict[str, bytes]) -> None:
    sql = "SELECT reason, field, length(raw) FROM dead_letter FINAL WHERE startsWith(raw, %(start)s)"
    rows = wait_for(lambda: query(stack, sql, start=sent[kind][:60].decode()), "the oversized record")
    assert rows == [("too_long", "text", len(sent[kind]))]


@pytest.mark.usefixtures("sent")
def test_the_jobs_go_on_after_all_of_them(stack: Settings, cli: Cli, before: list[tuple[str, int]]) -> None:
    prefix = new_prefix()
    send(stack, [Record("comment", "good", NOW_MS, comment(f"{prefix}good-"))])
    sql = "SELECT sum(comments) FROM room_1m WHERE room_id = %(room)s"
    wait_for(lambda: query(stack, sql, room=f"{prefix}good-room") == [(1,)], "the good comment in room_1m")
    assert state(cli) == before
    assert [name for name, _ in before] == ["RUNNING"]
