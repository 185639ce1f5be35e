"""A fix does what it says and no more, and what it lets through is a valid event for the pipeline and for the judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.dead_letters.fix import TOO_DEEP, Fix, Refusal, Repaired, derived_id, load, repair
from pipelines.dead_letters.read import DeadLetter, Place
from pipelines.dead_letters.replay import PAST_RETENTION, Replay, refuse_useless
from pipelines.errors import UserError
from pipelines.settings import Settings
from schemas.events import EVENTS
from schemas.rules import field_rules
from schemas.topics import topics
from tests.judge.strategies import BASE_MS, broken, events, payload
from tests.judge.strategies import VALID_FIELDS as LITERALS
from tests.judge.validity import classify
from tests.realdata.record import Record

COMMENT: dict[str, Any] = orjson.loads(payload(LITERALS["comment"]))


def letter(raw: bytes | dict[str, Any], topic: str = "comment", received_ms: int = BASE_MS, offset: int = 42) -> DeadLetter:
    value = raw if isinstance(raw, bytes) else orjson.dumps(raw)
    received_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=received_ms)
    return DeadLetter(Place(topic, 3, offset), "reason", "field", value, received_at, received_at)


def repaired(raw: bytes | dict[str, Any], fixes: dict[str, Fix], topic: str = "comment") -> Repaired:
    found = repair(letter(raw, topic), fixes, 300)
    assert isinstance(found, Repaired), found
    return found


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


# Steps


@pytest.mark.parametrize(
    ("fix", "before", "after"),
    [
        ({"rename": {"uid": "user_id"}}, {"uid": "ann", "x": 1}, {"x": 1, "user_id": "ann"}),
        ({"rename": {"uid": "user_id"}}, {"uid": "ann", "user_id": 5}, {"user_id": "ann"}),
        ({"rename": {"uid": "user_id"}}, {"uid": None, "user_id": "ann"}, {"uid": None, "user_id": "ann"}),
        ({"rename": {"uid": "user_id"}}, {"user_id": "ann"}, {"user_id": "ann"}),
        ({"remove": ["stream_id", "nothing"]}, {"stream_id": "", "x": 1}, {"x": 1}),
        ({"cast": {"count": "integer"}}, {"count": "3"}, {"count": 3}),
        ({"cast": {"count": "integer"}}, {"count": "-007"}, {"count": -7}),
        ({"cast": {"count": "integer"}}, {"count": 3.0}, {"count": 3}),
        ({"cast": {"count": "integer"}}, {"count": 3.5}, {"count": 3.5}),
        ({"cast": {"count": "integer"}}, {"count": " 3"}, {"count": " 3"}),
        ({"cast": {"count": "integer"}}, {"count": "٣"}, {"count": "٣"}),  # digits, but not ours
        ({"cast": {"count": "integer"}}, {"count": "99999999999999999999"}, {"count": "99999999999999999999"}),
        ({"cast": {"count": "integer"}}, {"count": True}, {"count": True}),
        ({"cast": {"count": "integer"}}, {"count": [3]}, {"count": [3]}),
        ({"cast": {"count": "integer"}}, {}, {}),
        ({"cast": {"user_id": "string"}}, {"user_id": 12}, {"user_id": "12"}),
        ({"cast": {"user_id": "string"}}, {"user_id": False}, {"user_id": False}),
        ({"cast": {"user_id": "string"}}, {"user_id": None}, {"user_id": None}),
        ({"set": {"platform": "app"}}, {"platform": "web"}, {"platform": "app"}),
        ({"default": {"platform": "app"}}, {"platform": "web"}, {"platform": "web"}),
        ({"default": {"platform": "app"}}, {"platform": None}, {"platform": "app"}),
        ({"default": {"platform": "app"}}, {}, {"platform": "app"}),
        (
            {"rename": {"n": "count"}, "cast": {"count": "integer"}, "remove": ["m"], "default": {"count": 1}},
            {"n": "3", "m": 0},
            {"count": 3},
        ),
    ],
)
def test_a_step(fix: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = Fix.model_validate(fix).apply(before)
    assert orjson.dumps(changed) == orjson.dumps(after)  # 3 and 3.0 are equal to Python


def test_for_all_comes_before_for_the_topic() -> None:
    fixes = {"comment": Fix(default={"platform": "app"}), "all": Fix(remove=["platform"]), "like": Fix(set={"platform": "other"})}
    assert orjson.loads(repaired(COMMENT, fixes).value)["platform"] == "app"


# What is sent


def test_nothing_to_change_leaves_the_bytes_alone() -> None:
    raw = b' {"mood": 1.0, "mood": {"a": [1e2]},' + orjson.dumps(COMMENT)[1:] + b"\n"
    for fixes in ({}, {"all": Fix(rename={"uid": "user_id"})}):
        found = repaired(raw, fixes)
        assert (found.value, found.fix) == (raw, "")


def test_unknown_fields_come_along_and_the_first_of_two_counts() -> None:
    raw = b'{"mood":{"a":[1,{}]},"text":"first","text":"last",' + orjson.dumps(without(COMMENT, "user_id", "text"))[1:]
    found = repaired(raw, {"comment": Fix(set={"user_id": "ann"})})
    assert orjson.loads(found.value) == COMMENT | {"mood": {"a": [1, {}]}, "text": "first", "user_id": "ann"}
    assert orjson.loads(found.fix) == {"comment": {"set": {"user_id": "ann"}}}


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_the_key_is_the_topics(topic: str) -> None:
    event = orjson.loads(payload(LITERALS[topic]))
    key = topics()[topic].key
    found = repaired(without(event, key) | {"k": "by this"}, {topic: Fix(rename={"k": key})}, topic)
    assert found.key == "by this"


@pytest.mark.parametrize("absent", [{}, {"event_id": None}], ids=["absent", "null"])
def test_an_event_without_an_id_gets_the_same_one_each_time(absent: dict[str, Any]) -> None:
    raw = without(COMMENT, "event_id") | absent
    first, second = repaired(raw, {}), repaired(raw, {})
    assert first == second
    assert first.event_id == orjson.loads(first.value)["event_id"] == "dead-letter/comment/3/42"


def test_an_event_with_an_id_keeps_it() -> None:
    found = repaired(COMMENT | {"uid": "ann"}, {"comment": Fix(rename={"uid": "user_id"})})
    assert found.event_id == COMMENT["event_id"]
    renamed = without(COMMENT, "event_id") | {"id": "e7"}
    assert repaired(renamed, {"comment": Fix(rename={"id": "event_id"})}).event_id == "e7"


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_a_derived_id_is_valid_at_the_end_of_a_long_log(topic: str) -> None:
    [rule] = [rule for rule in field_rules(EVENTS[topic]) if rule.name == "event_id"]
    assert rule.max_length is not None
    assert len(derived_id(Place(topic, 2**31 - 1, 10**15))) <= rule.max_length


# What stays


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"no JSON", Refusal("malformed_json")),
        (b"", Refusal("malformed_json")),
        (b'{"a":99999999999999999999}', Refusal("malformed_json")),
        (b"[]", Refusal("not_an_object")),
        (b"{}", Refusal("missing_field", "event_time")),
        (orjson.dumps(without(COMMENT, "text")), Refusal("missing_field", "text")),
        (orjson.dumps(COMMENT | {"event_time": BASE_MS + 300_001}), Refusal("future_event_time", "event_time")),
        (orjson.dumps(COMMENT)[:-1] + b',"deep":' + b"[" * 1_020 + b"]" * 1_020 + b"}", Refusal(TOO_DEEP)),
    ],
    ids=str,
)
def test_what_is_still_no_event_is_refused(raw: bytes, refusal: Refusal) -> None:
    assert repair(letter(raw), {"comment": Fix(set={"platform": "app"})}, 300) == refusal


def test_time_is_judged_against_the_record_not_the_clock() -> None:
    event = COMMENT | {"event_time": BASE_MS + 300_000}
    assert isinstance(repair(letter(event), {}, 300), Repaired)
    assert repair(letter(event, received_ms=BASE_MS - 1), {}, 300) == Refusal("future_event_time", "event_time")


def test_a_metric_topic_is_not_ours_to_repair() -> None:
    assert repair(letter(b"{}", topic="interaction_room"), {}, 300) == Refusal("reason", "field")


# Whatever comes


values = st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.sampled_from(["paid", "enter", "member", "CNY"])


@st.composite
def fixes(draw: st.DrawFn, topic: str) -> dict[str, Fix]:
    """A fix as anybody might write it: often useless, never refused."""
    fields = [name for name in EVENTS[topic].model_fields if name != "event_id"]
    names = st.sampled_from(fields)
    made = Fix(
        rename=draw(st.dictionaries(st.sampled_from([*fields, "uid", "mood"]), names, max_size=2)),
        remove=draw(st.lists(names, max_size=2)),
        cast=draw(st.dictionaries(names, st.sampled_from(["integer", "string"]), max_size=4)),
        set=draw(st.dictionaries(names, values, max_size=2)),
        default=draw(st.dictionaries(names, values, max_size=2)),
    )
    return {topic: made}


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(st.data())
def test_what_is_sent_is_no_dead_letter_again(data: st.DataObject) -> None:
    record: Record = data.draw(broken() | events(min_size=1, max_size=1).map(lambda log: log[0]))
    found = repair(letter(record.value, record.topic, record.timestamp_ms), data.draw(fixes(record.topic)), 300)
    if isinstance(found, Repaired):
        verdict, event = classify(record.topic, found.value, found.received_ms, lateness_seconds=3_600, future_seconds=300)
        assert verdict.kind in ("valid", "late")
        assert event is not None and event.event_id == found.event_id
        assert found.received_ms == record.timestamp_ms


@unhurried
@given(st.data())
def test_the_right_fix_gives_back_the_event(data: st.DataObject) -> None:
    """Renamed, in quotes or left out by a producer: what the fix undoes is the event as it should have been."""
    [record] = data.draw(events(min_size=1, max_size=1))
    event = orjson.loads(record.value)
    numbers = [name for name, value in event.items() if isinstance(value, int)]
    renamed, quoted = data.draw(st.sampled_from(sorted(event.keys() - set(numbers)))), data.draw(st.sampled_from(numbers))
    wrong = without(event, renamed, "platform") | {"strange": event[renamed], quoted: str(event[quoted])}
    fix = Fix(rename={"strange": renamed}, cast={quoted: "integer"}, default={"platform": event["platform"]})
    found = repair(letter(wrong, record.topic, record.timestamp_ms), {"all": fix}, 300)
    assert isinstance(found, Repaired)
    assert orjson.loads(found.value) == event
    assert found.key.encode() == record.key


# Files


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text(
        "all: {rename: {uid: user_id}}\nlike:\n  cast: {count: integer}\n  default: {platform: app, schema_version: 1}\n"
    )
    assert load(path) == {
        "all": Fix(rename={"uid": "user_id"}),
        "like": Fix(cast={"count": "integer"}, default={"platform": "app", "schema_version": 1}),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("- all", "the file: Input should be a valid dictionary"),
        ("all: {", "is no YAML"),
        ("all:", "all: Input should be"),
        ("all: {renames: {a: user_id}}", "all.renames: Extra inputs are not permitted"),
        ("all: {set: {platform: yes}}", "all.set.platform: a text or an integer, not True"),  # YAML's yes is true
        ("all: {set: {platform: null}}", "all.set.platform: a text or an integer, not None"),
        ("all: {set: {event_time: 99999999999999999999}}", "all.set.event_time: a text or an integer, not 9"),
        ("all: {cast: {user_id: float}}", "all.cast.user_id: Input should be 'integer' or 'string'"),
        ("comments: {remove: [text]}", "comments: no topic; there are comment, "),
        ("comment: {rename: {uid: userid}}", "comment: userid is no field of comment; there are event_id, "),
        ("all: {set: {text: x}}", "all: text is no field of every event"),
        ("comment: {set: {event_id: e1}}", "one event_id for many events"),
        ("like: {default: {event_id: e1}}", "one event_id for many events"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"fix\.yaml") as raised:
        load(path)
    assert said in raised.value.message
    assert raised.value.exit_code == 2


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text("comments: {}\nlike: {set: {text: x}, cast: {counts: integer}}\n")
    with pytest.raises(UserError) as raised:
        load(path)
    assert [line.partition(";")[0] for line in raised.value.message.splitlines()[1:]] == [
        "  comments: no topic",
        "  like: counts is no field of like",
        "  like: text is no field of like",
    ]


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(UserError, match="Is a directory"):
        load(tmp_path)


# The limit


def trial(**fixes: Fix) -> Replay:
    def keeps(topic: str, timestamp_ms: int) -> None:
        if timestamp_ms < BASE_MS:
            raise UserError("too old")

    return Replay(None, Settings(), fixes, keeps, target=None)  # a dry run asks no ClickHouse


@pytest.mark.parametrize(("bad", "refused"), [(0, False), (2, False), (3, True), (10, True)])
def test_a_fix_that_does_not_help_sends_nothing(bad: int, refused: bool) -> None:
    sample = [[letter(COMMENT, offset=n) for n in range(10 - bad)], [letter(b"{}", offset=10 + n) for n in range(bad)]]
    if not refused:
        refuse_useless(sample, trial(), 0.2)
        return
    with pytest.raises(UserError, match=f"of 10 dead letters that were tried, {bad} would stay invalid") as raised:
        refuse_useless(sample, trial(), 0.2)
    assert f"comment missing_field event_time ({bad}, e.g. comment/3/10)" in raised.value.message


def test_nothing_chosen_is_not_refused() -> None:
    refuse_useless([], trial(), 0.0)


def test_what_kafka_would_delete_stays() -> None:
    old = trial()
    assert old.run([[letter(COMMENT | {"event_time": BASE_MS - 1}, received_ms=BASE_MS - 1), letter(COMMENT, offset=43)]])
    assert dict(old.outcome.sent) == {"comment": 1}
    assert list(old.outcome.stays) == [("comment", PAST_RETENTION, "")]


def test_what_flink_has_forgotten_is_counted() -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1_000)
    remembered = now_ms - 46 * 3_600_000  # of 48 h, less the hour by which an event may be older than its record
    old = trial()
    batch = [letter(COMMENT | {"event_time": t}, received_ms=t) for t in (remembered, remembered - 2 * 3_600_000, now_ms)]
    assert old.run([batch])
    assert old.outcome.forgotten == 1
