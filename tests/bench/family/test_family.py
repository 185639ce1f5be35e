"""The input and the recount of the benchmark: nothing in it may be read in two ways."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from pipelines.recording import Record
from schemas.events import EVENTS
from schemas.topics import topics
from tests.bench.family.contenders import CONTENDERS
from tests.bench.family.contract import ResultRow
from tests.bench.family.inputs import Shape, records
from tests.bench.family.recount import Recount
from tests.bench.family.run import Wrong, read_rows

START_MS = 1_767_225_600_000
HOUR_MS = 3_600_000


@pytest.mark.parametrize("shape", [Shape(20_000), Shape(20_000, rooms=500, users=300, skew=0, text=500)], ids=["usual", "other"])
def test_every_record_is_valid_in_time_and_keyed_as_its_topic(shape: Shape) -> None:
    made = list(records(shape, START_MS))
    assert len(made) == shape.events
    assert {record.topic for record in made} == set(topics())
    for record in made:
        event = EVENTS[record.topic].model_validate_json(record.value)
        assert record.key == getattr(event, topics()[record.topic].key)
        assert 0 <= record.timestamp_ms - event.event_time < HOUR_MS
    assert all(one.timestamp_ms <= other.timestamp_ms for one, other in pairwise(made))


def test_same_records_for_the_same_shape() -> None:
    assert list(records(Shape(2_000), START_MS)) == list(records(Shape(2_000), START_MS))


def test_copies_are_the_same_record_again() -> None:
    first: dict[tuple[str, str], Record] = {}
    copies = 0
    for record in records(Shape(50_000), START_MS):
        known = first.setdefault((record.topic, orjson.loads(record.value)["event_id"]), record)
        copies += known is not record
        assert (known.key, known.value) == (record.key, record.value)
    assert copies > 200


def test_skew_decides_how_much_the_first_room_has() -> None:
    def share(skew: float) -> float:
        rooms = [orjson.loads(record.value).get("room_id") for record in records(Shape(5_000, rooms=10, skew=skew), START_MS)]
        return rooms.count("room-01") / len(rooms)

    assert share(0) == pytest.approx(0.1, abs=0.02)
    assert share(3.7) == pytest.approx(0.9, abs=0.02)


def test_recount_by_hand() -> None:
    recount = Recount()
    for topic, event_id, time, user, rest in (
        ("like", "a", 10_000, "u1", {"room_id": "r"}),
        ("like", "a", 10_000, "u1", {"room_id": "r"}),  # a copy
        ("view", "a", 19_999, "u2", {"room_id": "r"}),  # the same id in another topic is no copy
        ("order", "b", 12_000, "u2", {"room_id": "r", "status": "paid", "amount": 70}),
        ("order", "c", 12_000, "u2", {"room_id": "r", "status": "refunded", "amount": 20}),
        ("order", "c", 12_000, "u2", {"room_id": "r", "status": "refunded", "amount": 20}),
        ("order", "d", 12_000, "u3", {"room_id": "r", "status": "created", "amount": 9}),
        ("group_message", "e", 20_000, "u1", {}),  # in no room
    ):
        event = {"event_id": event_id, "event_time": time, "user_id": user, **rest}
        recount.add(Record(topic, None, time, orjson.dumps(event)))
    none = {"view": 0, "like": 0, "product": 0, "comment": 0, "group_message": 0, "order": 0, "paid": 0, "refunded": 0}
    assert recount.rows(once=True) == {
        ("r", 10): none | {"like": 1, "view": 1, "order": 3, "paid": 70, "refunded": 20, "users": 3},
        ("", 20): none | {"group_message": 1, "users": 1},
    }
    assert recount.rows(once=False)["r", 10] == none | {"like": 2, "view": 1, "order": 4, "paid": 70, "refunded": 40, "users": 3}
    assert recount.copies == {"like": 1, "order": 1}


def test_rows_that_a_contender_cannot_mean(tmp_path: Path) -> None:
    row = ResultRow(room_id=None, window_start=20_000, counts={"like": 1}, paid=0, refunded=0, users=1)
    unknown = row | {"counts": {"heart": 1}}
    out = tmp_path / "rows.ndjson"
    for rows, reason in (
        ([row, row], "two rows"),
        ([unknown], "nobody asked for"),
        ([row | {"window_start": 20_001}], "no window"),
    ):
        out.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        with pytest.raises(Wrong, match=reason):
            read_rows(out)


def test_keys_and_names_are_distinct_and_modules_are_there() -> None:
    assert len({one.key for one in CONTENDERS}) == len({one.name for one in CONTENDERS}) == len(CONTENDERS)
    assert all(Path(__file__).with_name(f"{one.module}.py").exists() for one in CONTENDERS)
