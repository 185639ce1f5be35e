"""Recordings come back byte by byte; a replay keeps their pace, moves their times by one span, and can be resumed anywhere."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import UserError
from pipelines.produce import Stopped
from pipelines.recording import STDIN, Reader, Record, RecordingError, parse, to_line
from pipelines.replay import Position, Replay, last_timestamp, shift_to_now, shifted
from schemas.events import EVENTS
from tests.recordings import read, write

NOW = 1_767_225_600_000
times = st.integers(min_value=0, max_value=4_000_000_000_000)
keys = st.none() | st.text(max_size=20)
values = st.binary(max_size=200) | st.dictionaries(
    st.text(max_size=10),
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(allow_nan=False),
    max_size=6,
).map(orjson.dumps)
records = st.builds(
    Record, st.sampled_from(sorted(EVENTS)), keys, times, values, st.none() | st.sampled_from(["wrong_type", "late"])
)
in_tmp = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def like(number: int, at: int) -> Record:
    """A like, told apart by its number."""
    event = {"event_id": f"e{number}", "event_time": at, "room_id": "room-01", "user_id": f"u{number}", "count": 1}
    return Record("like", "room-01", at, orjson.dumps(event))


# --- recordings


@given(records)
def test_a_line_gives_back_the_record(record: Record) -> None:
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert parse(line) == record


@given(st.binary(max_size=100))
def test_any_bytes_survive(value: bytes) -> None:
    assert parse(to_line(Record("like", None, NOW, value))).value == value


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b'{"a": 1}',
        b'{"a":1,"a":2}',
        b'{"a":1.0,"b":1e5}',
        b'{"a":123456789012345678901234567890}',
        b"[1]",
        b"null",
        b'{"a":"\\u4e2d"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1}\n',
        b"\xff",
    ],
)
def test_bytes_that_orjson_would_write_otherwise_are_kept(value: bytes) -> None:
    assert parse(to_line(Record("like", "k", NOW, value))).value == value


def test_an_event_is_readable_in_its_line() -> None:
    line = json.loads(to_line(like(1, NOW)))
    assert line == {"topic": "like", "key": "room-01", "timestamp": NOW, "value": json.loads(like(1, NOW).value)}
    broken = json.loads(to_line(Record("like", "k", NOW, b"{", "malformed_json")))
    assert broken == {
        "topic": "like",
        "key": "k",
        "timestamp": NOW,
        "raw": base64.b64encode(b"{").decode(),
        "fault": "malformed_json",
    }


@in_tmp
@given(found=st.lists(records, max_size=20))
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_files_give_back_their_records(tmp_path: Path, name: str, found: list[Record]) -> None:
    assert write(tmp_path / name, found) == len(found)
    assert list(read([tmp_path / name, tmp_path / name])) == found * 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"event_id": "e"}', "--topic"),
        ('{"topic": "nothing", "value": {}}', "unknown topic 'nothing'"),
        ('{"topic": ["like"], "value": {}}', "unknown topic"),
        ('{"topic": "like", "value": 3}', "raw"),
        ('{"topic": "like", "raw": "§"}', "base64"),
        ('{"topic": "like", "raw": 3}', "base64"),
        ('{"topic": "like", "key": 3, "value": {}}', "`key`"),
        ('{"topic": "like", "timestamp": "now", "value": {}}', "`timestamp`"),
        ('{"topic": "like", "timestamp": -1, "value": {}}', "`timestamp`"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(to_line(like(1, NOW)) + b"\n" + line.encode() + b"\n")
    with pytest.raises(RecordingError) as caught:
        list(read([path]))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert says in str(caught.value)


def test_a_gzip_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl.gz"
    write(path, [like(number, NOW) for number in range(5_000)])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RecordingError, match="gzip"):
        list(read([path]))


def test_bare_events_get_their_key_and_time_from_themselves() -> None:
    record = like(1, NOW)
    assert parse(record.value, topic="like") == record
    assert parse(b" {} \n", topic="like", default_ms=9).value == b"{}"
    member = b'{"event_id":"e","event_time":5,"user_id":"u","group_id":"g"}'
    assert parse(member, topic="group_message") == Record("group_message", "g", 5, member)
    assert parse(b'{"room_id":7,"event_time":-5}', topic="like", default_ms=9) == Record(
        "like", None, 9, b'{"room_id":7,"event_time":-5}'
    )
    # A record stays one, whatever topic the bare events have.
    assert parse(to_line(record), topic="comment") == record


def test_key_and_timestamp_may_be_left_out() -> None:
    value = like(1, NOW).value
    assert parse(b'{"topic":"like","value":' + value + b"}") == like(1, NOW)


def test_a_line_without_any_time_has_that_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(like(1, NOW).value + b'\n{"room_id":"r"}\n')
    assert [record.timestamp_ms for record in read([path], topic="like")] == [NOW, NOW]


# --- moving times


@given(records, st.integers(-(10**12), 10**12))
def test_shift_moves_timestamp_and_event_time_alike(record: Record, shift: int) -> None:
    moved = shifted(record, shift)
    assert moved.timestamp_ms == record.timestamp_ms + shift
    assert (moved.topic, moved.key) == (record.topic, record.key)


@given(times, times, st.integers(-(10**11), 10**11))
def test_shift_keeps_how_late_an_event_is(at: int, timestamp: int, shift: int) -> None:
    record = like(1, at)._replace(timestamp_ms=timestamp)
    moved = shifted(record, shift)
    event = orjson.loads(moved.value)
    assert moved.timestamp_ms - event["event_time"] == timestamp - at
    assert {**event, "event_time": at} == orjson.loads(record.value)


@pytest.mark.parametrize(
    "value", [b"{", b"[1]", b"{}", b'{"event_time":"1"}', b'{"event_time":-1}', b'{"event_time":1.5}', b'{"event_time":true}', b""]
)
def test_what_has_no_possible_time_keeps_its_bytes(value: bytes) -> None:
    assert shifted(Record("like", "k", NOW, value), 1_000) == Record("like", "k", NOW + 1_000, value)


@given(now=times, first=times, span=st.integers(0, 10**10), speed=st.sampled_from([0.5, 1.0, 2.0, 60.0, math.inf]))
def test_no_record_is_sent_with_a_time_to_come(now: int, first: int, span: int, speed: float) -> None:
    shift = shift_to_now(now, first, first + span, speed)
    if speed == 1:
        assert first + shift == now
    for offset in (0, span // 3, span):
        sent_at = now + offset / speed
        assert first + offset + shift <= sent_at + 1
    last_sent_at = now + span / max(speed, 1)
    assert speed < 1 or first + span + shift == pytest.approx(last_sent_at, abs=1)


def test_without_a_known_end_the_first_is_now() -> None:
    assert shift_to_now(1_000, 100, None, math.inf) == 900


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("count", [1, 2, 3_000])
def test_last_timestamp(tmp_path: Path, name: str, count: int) -> None:
    write(tmp_path / name, [like(number, NOW + number) for number in range(count)])
    assert last_timestamp(tmp_path / name) == NOW + count - 1


def test_last_timestamp_of_odd_files(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    assert last_timestamp(path) is None
    path.write_bytes(to_line(like(1, NOW)) + b"\n\n  \n")
    assert last_timestamp(path) == NOW
    path.write_bytes(to_line(like(1, NOW)).strip())
    assert last_timestamp(path) == NOW
    path.write_bytes(to_line(like(1, NOW)) + b'{"topic"')
    assert last_timestamp(path) is None
    path.write_bytes(to_line(like(1, 1)) + to_line(Record("like", None, NOW, b"x" * 200_000)))
    assert last_timestamp(path) == NOW


# --- replaying


class Kafka:
    """Stands for a Sender: keeps what it gets, with the time at which it got it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.got: list[Record] = []
        self.at: list[float] = []
        self.flushed = 0
        self.failed = 0

    def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
        self.got.append(Record(topic, key, timestamp_ms, value))
        self.at.append(self.now)

    def poll(self) -> None: ...

    def flush(self) -> None:
        self.flushed = len(self.got)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def replay_of(path: Path, kafka: Kafka, **changes: Any) -> Replay:
    """A replay of one file into `kafka`, by its clock."""
    return Replay([path], kafka, clock=kafka.clock, sleep=kafka.sleep, **changes)


@in_tmp
@given(gaps=st.lists(st.integers(0, 20_000), min_size=1, max_size=30), speed=st.sampled_from([0.5, 1.0, 10.0]))
def test_pace(tmp_path: Path, gaps: list[int], speed: float) -> None:
    kafka, at, recorded = Kafka(), NOW, []
    for number, gap in enumerate(gaps):
        at += gap
        recorded.append(like(number, at))
    write(tmp_path / "a.jsonl", recorded)
    replay_of(tmp_path / "a.jsonl", kafka, speed=speed, times="keep").run()
    assert kafka.got == recorded
    for record, sent_at in zip(recorded, kafka.at, strict=True):
        due = (record.timestamp_ms - recorded[0].timestamp_ms) / 1_000 / speed
        assert -1e-6 <= sent_at - 100.0 - due <= 0.0021


def test_as_fast_as_possible_never_waits(tmp_path: Path) -> None:
    kafka = Kafka()
    write(tmp_path / "a.jsonl", [like(number, NOW + number * 60_000) for number in range(50)])
    replay_of(tmp_path / "a.jsonl", kafka, speed=math.inf, times="keep").run()
    assert kafka.now == 100.0
    assert kafka.flushed == 50


def test_records_out_of_order_are_sent_in_their_order(tmp_path: Path) -> None:
    kafka, recorded = Kafka(), [like(1, NOW), like(2, NOW + 5_000), like(3, NOW + 1_000), like(4, NOW + 6_000)]
    write(tmp_path / "a.jsonl", recorded)
    replay_of(tmp_path / "a.jsonl", kafka, times="keep").run()
    assert kafka.got == recorded
    assert kafka.at == pytest.approx([100, 105, 105, 106], abs=0.01)


@pytest.mark.parametrize("speed", [1.0, 10.0, math.inf])
def test_times_of_now(tmp_path: Path, speed: float, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, recorded = Kafka(), [like(number, 1_000_000 + number * 1_000) for number in range(11)]
    write(tmp_path / "a.jsonl", recorded)
    monkeypatch.setattr("time.time", lambda: NOW / 1_000)
    replay_of(tmp_path / "a.jsonl", kafka, speed=speed).run()
    stamps = [record.timestamp_ms for record in kafka.got]
    assert {later - one for one, later in pairwise(stamps)} == {1_000}
    assert [orjson.loads(record.value)["event_time"] for record in kafka.got] == stamps
    assert stamps[0] == {1.0: NOW, 10.0: NOW - 9_000, math.inf: NOW - 10_000}[speed]


@in_tmp
@given(sizes=st.lists(st.integers(0, 12), min_size=1, max_size=3), crash=st.integers(0, 36), saves=st.sets(st.integers(0, 36)))
def test_a_crash_anywhere_loses_nothing(tmp_path: Path, sizes: list[int], crash: int, saves: set[int]) -> None:
    """The process dies after any record, the position being that of any checkpoint before; then it resumes."""
    number, recorded, files = 0, [], []
    for index, size in enumerate(sizes):
        files.append(tmp_path / f"{index}.jsonl")
        part = [like(number + i, 1_000_000 + number + i) for i in range(size)]
        write(files[-1], part)
        recorded += part
        number += size

    class Crash(Exception):
        pass

    class Dying(Kafka):
        def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
            if len(self.got) == crash:
                raise Crash
            super().send(topic, key, value, timestamp_ms)
            if len(self.got) in saves:
                self.now += 6  # time for a checkpoint

    kafka, kept = Dying(), tmp_path / "position"
    kept.unlink(missing_ok=True)

    def run(target: Kafka) -> Replay:
        replay = Replay(files, target, speed=math.inf, save=lambda p: p.save(kept), clock=target.clock, sleep=target.sleep)
        replay.run(Position.load(kept))
        return replay

    try:
        run(kafka)
    except Crash:
        confirmed = kafka.flushed
        second = Kafka()
        second.now = kafka.now
        before = Position.load(kept)
        assert run(second).done
        got = kafka.got[:confirmed] + second.got
        ids = [orjson.loads(record.value)["event_id"] for record in got]
        assert ids == [orjson.loads(record.value)["event_id"] for record in recorded]
        if before:  # what was sent twice was the same both times
            assert second.got[: len(kafka.got) - confirmed] == kafka.got[confirmed:]
    if recorded:
        last = Position.load(kept)
        assert last
        assert last.done


def test_what_is_sent_before_the_first_confirmation_is_sent_again_with_the_same_times(tmp_path: Path) -> None:
    """Viewers and slots are known by their time: moved otherwise, they would count twice."""
    write(tmp_path / "a.jsonl", [like(1, NOW - 60_000)])
    kafka, saved = Kafka(), list[Position]()

    def crash(*_: object) -> None:
        assert saved and saved[0].shift_ms > 0
        raise KeyboardInterrupt

    kafka.send = crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        replay_of(tmp_path / "a.jsonl", kafka, save=saved.append).run()
    assert [(position.file, position.line) for position in saved] == [(0, 0)]


def test_what_failed_stops_the_position(tmp_path: Path) -> None:
    kafka, kept = Kafka(), list[Position]()
    write(tmp_path / "a.jsonl", [like(number, NOW + number * 1_000) for number in range(40)])

    def tick() -> None:
        if len(kafka.got) == 20:
            kafka.failed = 1

    replay = replay_of(tmp_path / "a.jsonl", kafka, times="keep", save=kept.append, tick=tick)
    replay.run()
    assert not replay.done
    assert 0 < kept[-1].line <= 20


def test_stopping_keeps_the_position(tmp_path: Path) -> None:
    kafka, kept = Kafka(), list[Position]()
    write(tmp_path / "a.jsonl", [like(number, NOW + number * 1_000) for number in range(40)])
    replay = replay_of(tmp_path / "a.jsonl", kafka, save=kept.append, stopped=lambda: len(kafka.got) == 7)
    replay.run()
    assert (kept[-1].line, kept[-1].done, replay.done, kafka.flushed) == (7, False, False, 7)
    replay_of(tmp_path / "a.jsonl", kafka, save=kept.append).run(kept[-1])
    assert (kept[-1].line, kept[-1].done) == (40, True)
    assert [orjson.loads(record.value)["event_id"] for record in kafka.got] == [f"e{number}" for number in range(40)]
    assert len({record.timestamp_ms - 1_000 * number for number, record in enumerate(kafka.got)}) == 1


def test_a_full_queue_can_be_left(tmp_path: Path) -> None:
    class Full(Kafka):
        def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None:
            if len(self.got) == 3:
                raise Stopped
            super().send(topic, key, value, timestamp_ms)

    kafka, kept = Full(), list[Position]()
    write(tmp_path / "a.jsonl", [like(number, NOW) for number in range(9)])
    replay_of(tmp_path / "a.jsonl", kafka, save=kept.append).run()
    assert (kept[-1].line, kept[-1].done) == (3, False)


def test_a_wrong_line_ends_it_after_what_stands_before(tmp_path: Path) -> None:
    kafka, kept, path = Kafka(), list[Position](), tmp_path / "a.jsonl"
    path.write_bytes(to_line(like(1, NOW)) + to_line(like(2, NOW)) + b"oops\n" + to_line(like(3, NOW)))
    with pytest.raises(RecordingError, match=r"a\.jsonl:3: not JSON"):
        replay_of(path, kafka, save=kept.append).run()
    assert (kept[-1].line, kafka.flushed) == (2, 2)
    path.write_bytes(path.read_bytes().replace(b"oops", b""))
    replay_of(path, kafka, save=kept.append).run(kept[-1])
    assert [orjson.loads(record.value)["event_id"] for record in kafka.got] == ["e1", "e2", "e3"]


def test_keep_checks_the_oldest_of_each_topic_before_anything_is_sent(tmp_path: Path) -> None:
    kafka, checked = Kafka(), list[tuple[str, int]]()
    old = Record("comment", "room-01", 5, b'{"event_time":5}')
    write(tmp_path / "a.jsonl", [like(1, NOW), like(2, NOW - 1), old])

    def refuse(topic: str, timestamp_ms: int) -> None:
        checked.append((topic, timestamp_ms))
        if timestamp_ms < 100:
            raise UserError("too old")

    with pytest.raises(UserError):
        replay_of(tmp_path / "a.jsonl", kafka, times="keep", check=refuse).run()
    assert checked == [("like", NOW - 1), ("comment", 5)]
    assert not kafka.got


def test_a_file_that_has_shrunk_is_not_resumed(tmp_path: Path) -> None:
    kafka, path = Kafka(), tmp_path / "a.jsonl"
    write(path, [like(1, NOW)])
    with pytest.raises(UserError, match="1 lines"):
        replay_of(path, kafka).run(Position(files=(str(path),), times="now", shift_ms=0, line=2))


def test_an_empty_file_is_done_at_once(tmp_path: Path) -> None:
    kafka, path = Kafka(), tmp_path / "a.jsonl"
    path.write_bytes(b"")
    replay = replay_of(path, kafka, speed=math.inf)
    replay.run()
    assert replay.done


def test_progress_knows_how_much_has_been_read(tmp_path: Path) -> None:
    kafka, seen = Kafka(), list[int]()
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    for path in files:
        write(path, [like(number, NOW) for number in range(2_000)])
    replay = Replay(files, kafka, speed=math.inf, tick=lambda: seen.append(replay.read_bytes), clock=kafka.clock)
    replay.run()
    assert seen == sorted(seen)
    assert replay.read_bytes == sum(path.stat().st_size for path in files)


def test_reader_skips_lines_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"oops\n" + to_line(like(1, NOW)))
    with Reader(path, skip=1) as reader:
        assert list(reader) == [like(1, NOW)]
        assert reader.line == 2


# --- the command, as far as it goes without Kafka


def in_order(*names: str) -> Callable[[Path], list[str]]:
    """Arguments, of which names of files become those in the folder."""
    return lambda folder: [str(folder / name) if "." in name else name for name in names]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (in_order("missing.jsonl"), "no file"),
        (in_order("a.jsonl", "missing.jsonl"), "no file"),
        (in_order("a.jsonl", "--topic", "nothing"), "comment"),
        (in_order("-", "--resume"), "--checkpoint"),
        (in_order("a.jsonl", "--resume", "--checkpoint", "a.jsonl"), "not the position"),
        (in_order("a.jsonl", "--resume", "--checkpoint", "other.position"), "another replay"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, arguments: Callable[[Path], list[str]], says: str) -> None:
    write(tmp_path / "a.jsonl", [like(1, NOW)])
    Position(files=("other.jsonl",), times="now", shift_ms=0).save(tmp_path / "other.position")
    error = CliRunner().invoke(app, ["replay", *arguments(tmp_path)]).exception
    assert isinstance(error, UserError)
    assert error.exit_code == 2
    assert says in f"{error.message} {error.hint}"


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf"])
def test_impossible_speeds_are_refused(tmp_path: Path, speed: str) -> None:
    write(tmp_path / "a.jsonl", [like(1, NOW)])
    assert CliRunner().invoke(app, ["replay", str(tmp_path / "a.jsonl"), "--speed", speed]).exit_code == 2


def test_what_is_done_is_not_sent_again_by_resuming(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, [like(1, NOW)])
    Position(files=(str(path),), times="now", shift_ms=0, line=1, done=True).save(tmp_path / "a.jsonl.position")
    done = CliRunner().invoke(app, ["replay", str(path), "--resume"])
    assert done.exit_code == 0
    assert "already" in done.stderr


def test_standard_input_reads_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import types

    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(to_line(like(1, NOW)) + b"x")))
    with pytest.raises(RecordingError, match="standard input:2"):
        list(read([STDIN]))


def test_compressed_recordings_are_ordinary_gzip(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", [like(1, NOW)])
    with gzip.open(tmp_path / "a.jsonl.gz") as lines:
        assert lines.read() == to_line(like(1, NOW))
