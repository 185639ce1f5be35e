"""What children under 14 write is counted, and not stored."""

from __future__ import annotations

import time

import orjson
import pytest

from pipelines.recording import Record
from pipelines.settings import Settings
from schemas.topics import topics
from tests.e2e.pipeline import new_prefix, query, send, wait_for
from tests.judge.strategies import VALID_FIELDS


@pytest.mark.parametrize(
    ("topic", "counter"),
    [
        ("comment", "SELECT sum(comments) FROM room_1m WHERE room_id = %(id)s"),
        ("group_message", "SELECT sum(messages) FROM group_1m WHERE group_id = %(id)s"),
    ],
)
def test_the_text_of_a_child_is_not_stored(topic: str, counter: str, stack: Settings) -> None:
    prefix, now = new_prefix(), int(time.time() * 1_000)
    fields = {name: orjson.loads(text) for name, text in VALID_FIELDS[topic].items()}
    records = []
    for age in ("under_14", "14_17", "adult", None):
        made = fields | {"event_id": f"{prefix}{age}", "event_time": now, "text": f"by {age}", "age_group": age}
        made |= {"room_id": f"{prefix}x"} | ({"group_id": f"{prefix}x"} if topic == "group_message" else {})
        records.append(Record(topic, str(made[topics()[topic].key]), now, orjson.dumps(made)))
    send(stack, records)
    wait_for(lambda: query(stack, counter, id=f"{prefix}x") == [(4,)], "all four counted")
    sql = f"SELECT age_group, text FROM {topic}_event FINAL WHERE startsWith(event_id, %(prefix)s)"
    wait_for(lambda: len(query(stack, sql, prefix=prefix)) == 4, "all four stored")
    assert dict(query(stack, sql, prefix=prefix)) == {"under_14": "", "14_17": "by 14_17", "adult": "by adult", "": "by None"}
