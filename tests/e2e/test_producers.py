"""simulate and replay against a real Kafka: what they say they sent is what is there, byte for byte."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from kafka.partitioner.default import murmur2

from pipelines.errors import UserError
from pipelines.produce import Retention, Sender
from pipelines.recording import Record
from pipelines.settings import Settings
from schemas.topics import topics
from tests.conftest import Cli
from tests.e2e.pipeline import new_prefix
from tests.recordings import read, write

Log = Callable[[], list[tuple[int, Record]]]


@pytest.fixture
def log(stack: Settings) -> Iterator[Log]:
    """Reads what has come into Kafka since the test began: each record with its partition, each partition in order."""
    consumer = Consumer({"bootstrap.servers": stack.kafka_address, "group.id": new_prefix(), "enable.auto.commit": False})
    partitions = [TopicPartition(topic.name, number) for topic in topics().values() for number in range(topic.partitions)]

    def end(one: TopicPartition) -> int:
        low_and_high: tuple[int, int] = consumer.get_watermark_offsets(one, timeout=10)
        return low_and_high[1]

    begin = {(one.topic, one.partition): end(one) for one in partitions}

    def read_all() -> list[tuple[int, Record]]:
        ends = {(one.topic, one.partition): end(one) for one in partitions}
        todo = {place for place, first in begin.items() if first < ends[place]}
        # All at once: to be assigned a partition and fetch from it takes a second, however little is there.
        consumer.assign([TopicPartition(*place, begin[place]) for place in todo])
        found: dict[tuple[str, int], list[Record]] = {place: [] for place in begin}
        while todo:
            for message in consumer.consume(10_000, timeout=0.2):
                assert message.error() is None
                place = (message.topic() or "", message.partition() or 0)
                key, value, offset = message.key(), message.value(), message.offset() or 0
                if offset < ends[place]:
                    record = Record(place[0], key.decode() if key is not None else None, message.timestamp()[1], value or b"")
                    found[place].append(record)
                if offset + 1 >= ends[place]:
                    todo.discard(place)
        return [(partition, record) for (_, partition), records in found.items() for record in records]

    yield read_all
    consumer.close()


def counted(records: list[Record]) -> Counter[Record]:
    """How often each record occurs, without what is only known to its maker."""
    return Counter(record._replace(fault=None) for record in records)


@pytest.fixture
def recording(cli: Cli, tmp_path: Path) -> Path:
    """Ten minutes of the last hour with every fault, sent nowhere."""
    out = tmp_path / "recorded.jsonl.gz"
    options = (
        "--duration",
        "600",
        "--rate",
        "20",
        "--malformed",
        "0.05",
        "--room-prefix",
        f"{new_prefix()}room",
        "--out",
        str(out),
    )
    done = cli("simulate", "--no-send", *options)
    assert done.returncode == 0, done.stderr
    return out


def test_simulate_sends_what_it_records(cli: Cli, log: Log, tmp_path: Path) -> None:
    out = tmp_path / "sent.jsonl"
    before = time.time() * 1_000
    options = ("--events", "30000", "--rate", "3000", "--malformed", "0.02", "--clock-skew", "60", "--room-prefix", new_prefix())
    done = cli("simulate", "--fast", *options, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    recorded, found = list(read([out])), log()
    assert summary["sent"] == summary["delivered"] == len(recorded) == 30_000
    assert summary["failed"] == 0
    assert summary["malformed"] == Counter(record.fault for record in recorded if record.fault)
    assert counted([record for _, record in found]) == counted(recorded)
    assert max(record.timestamp_ms for record in recorded) <= before + 60_000
    for topic in topics():
        assert summary["topics"][topic] == sum(record.topic == topic for _, record in found)


def test_records_are_where_other_producers_put_them(cli: Cli, log: Log) -> None:
    assert cli("simulate", "--fast", "--events", "3000", "--rooms", "30", "--room-prefix", new_prefix()).returncode == 0
    found = log()
    for partition, record in found:
        assert record.key is not None
        assert partition == (murmur2(record.key.encode()) & 0x7FFFFFFF) % topics()[record.topic].partitions
    assert len({record.key for _, record in found}) > 30


def test_real_time_stamps_the_moment_of_sending(cli: Cli, log: Log) -> None:
    began = time.time() * 1_000
    done = cli("simulate", "--rate", "300", "--duration", "6", "--room-prefix", new_prefix(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seconds"] > 5
    found = [record for _, record in log()]
    assert len(found) == json.loads(done.stdout)["sent"]
    assert began <= min(record.timestamp_ms for record in found)
    assert max(record.timestamp_ms for record in found) <= time.time() * 1_000


def test_ctrl_c_delivers_what_was_sent(stack_env: dict[str, str], log: Log, tmp_path: Path) -> None:
    process = start(
        stack_env, "simulate", "--rate", "500", "--room-prefix", new_prefix(), "--json", "--out", str(tmp_path / "out.jsonl")
    )
    assert process.stderr
    assert "events" in process.stderr.readline()  # without a terminal, a plain line every five seconds
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    summary = json.loads(output)
    assert summary["stopped"]
    assert summary["sent"] == summary["delivered"] > 500
    assert counted([record for _, record in log()]) == counted(list(read([tmp_path / "out.jsonl"])))


def test_replay_keeps_every_byte(cli: Cli, log: Log, recording: Path) -> None:
    done = cli("replay", str(recording), "--times", "keep", "--speed", "max", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["complete"]
    recorded = list(read([recording]))
    assert summary["delivered"] == len(recorded) > 8_000
    assert counted([record for _, record in log()]) == counted(recorded)


def test_replay_moves_all_times_by_one_span(cli: Cli, log: Log, recording: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.jsonl"
    recorded = list(read([recording]))[:4_000]
    write(half, recorded)
    began = time.time() * 1_000
    assert cli("replay", str(half), "--speed", "max").returncode == 0
    found = [record for _, record in log()]
    last = max(record.timestamp_ms for record in found)
    assert began - 1_000 <= last <= time.time() * 1_000
    shift = last - recorded[-1].timestamp_ms

    def moved(record: Record) -> Record:
        return record._replace(timestamp_ms=record.timestamp_ms + shift, value=b"", fault=None)

    assert Counter(record._replace(value=b"") for record in found) == Counter(moved(record) for record in recorded)
    times = {event_id(record): orjson.loads(record.value)["event_time"] for record in recorded if record.fault is None}
    good = [record for record in found if event_id(record) in times]
    assert len(good) > 3_500
    assert all(orjson.loads(record.value)["event_time"] - times[event_id(record)] == shift for record in good)


def event_id(record: Record) -> str:
    """The event's id, or nothing where there is none to be read."""
    try:
        return str(orjson.loads(record.value)["event_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def test_replay_reads_bare_events_from_standard_input(stack_env: dict[str, str], log: Log) -> None:
    prefix = new_prefix()
    events = [
        {
            "event_id": f"{prefix}{n}",
            "event_time": 1_000 * n,
            "schema_version": 1,
            "platform": "p",
            "room_id": prefix,
            "user_id": "u",
            "count": 1,
        }
        for n in range(3)
    ]
    process = start(stack_env, "replay", "-", "--topic", "like", stdin=subprocess.PIPE)
    process.communicate("\n".join(map(json.dumps, events)), timeout=60)
    assert process.returncode == 0
    found = [record for _, record in log()]
    assert [(record.topic, record.key) for record in found] == [("like", prefix)] * 3
    assert [event_id(record) for record in found] == [f"{prefix}{n}" for n in range(3)]
    assert found[2].timestamp_ms - found[0].timestamp_ms == 2_000
    assert abs(found[0].timestamp_ms - time.time() * 1_000) < 60_000


def test_a_killed_replay_goes_on_where_it_was(
    stack_env: dict[str, str], cli: Cli, log: Log, recording: Path, tmp_path: Path
) -> None:
    position = tmp_path / "position"
    process = start(stack_env, "replay", str(recording), "--speed", "10", "--checkpoint", str(position))
    deadline = time.monotonic() + 60
    while not position.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    process.kill()
    process.communicate()
    reached = json.loads(position.read_bytes())["line"]
    first_part = log()
    done = cli("replay", str(recording), "--speed", "max", "--checkpoint", str(position), "--resume", "--json")
    assert done.returncode == 0, done.stderr
    recorded = list(read([recording]))
    assert json.loads(done.stdout)["sent"] == len(recorded) - reached
    found = counted([record for _, record in log()])
    # Nothing is missing; what was sent again was the same record again, no other.
    assert len(found) == len(counted(recorded))
    assert found.total() == len(first_part) + len(recorded) - reached
    again = cli("replay", str(recording), "--checkpoint", str(position), "--resume")
    assert (again.returncode, again.stdout) == (0, "")


def test_a_wrong_line_is_named(cli: Cli, log: Log, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(b'{"topic":"like","key":"k","timestamp":1,"value":{}}\noops\n')
    done = cli("replay", str(path))
    assert done.returncode == 2
    assert f"{path}:2: not JSON" in done.stderr
    assert len(log()) == 1


@pytest.mark.parametrize("arguments", [("simulate", "--events", "5", "--fast"), ("replay", "{recording}")])
def test_without_kafka_it_says_what_to_do(cli: Cli, recording: Path, arguments: tuple[str, ...]) -> None:
    done = cli(*(argument.format(recording=recording) for argument in arguments), LIVEPULSE_KAFKA="127.0.0.1:1")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "LIVEPULSE_KAFKA" in done.stderr


def test_old_times_are_refused_where_kafka_would_delete_them(stack: Settings, cli: Cli, log: Log, tmp_path: Path) -> None:
    """With a retention of years, for other tests' records are in the topic too."""
    years = 20 * 365 * 86_400_000
    path = tmp_path / "old.jsonl"
    path.write_bytes(b'{"topic":"like","key":"k","timestamp":1000,"value":{"event_time":1000}}\n')
    set_retention(stack, "like", years)
    try:
        done = cli("replay", str(path), "--times", "keep")
        assert done.returncode == 1
        assert "--keep-forever" in done.stderr
        assert not log()
        simulated = cli("simulate", "--fast", "--duration", "1", "--start", "1990-01-01T00:00:00Z")
        assert simulated.returncode == 1
        assert "--keep-forever" in simulated.stderr
        with pytest.raises(UserError):
            Retention(stack.kafka_address, ["like"]).check("like", 1_000)
        Retention(stack.kafka_address, ["like"]).check("like", int(time.time() * 1_000) - years // 2)
        Retention(stack.kafka_address, ["like"], keep_forever=True).check("like", 1_000)
        Retention(stack.kafka_address, ["like"]).check("like", 1_000)
    finally:
        set_retention(stack, "like", -1)


def set_retention(settings: Settings, topic: str, milliseconds: int) -> None:
    """Set a topic's retention by time."""
    entry = ConfigEntry("retention.ms", str(milliseconds), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": settings.kafka_address})  # the answers die with it
    for answer in client.incremental_alter_configs([resource]).values():
        answer.result(10)


def test_times_too_far_ahead_are_refused_before_kafka_does(stack: Settings) -> None:
    retention = Retention(stack.kafka_address, ["like"])
    retention.check("like", int(time.time() * 1_000) + 3_000_000)
    with pytest.raises(UserError, match="ahead"):
        retention.check("like", int(time.time() * 1_000) + 3_700_000)


def test_a_missing_topic_is_named(stack: Settings) -> None:
    with Sender(stack.kafka_address) as sender, pytest.raises(UserError, match="no topic none, nothing") as caught:
        sender.require_topics(["like", "nothing", "none"])
    assert "livepulse migrate" in str(caught.value.hint)


def test_what_kafka_refuses_is_counted(stack: Settings, log: Log) -> None:
    with Sender(stack.kafka_address) as sender:
        sender.send("like", "k", b"x" * 20_000_000, 1)  # too large for the client already
        sender.send("like", "k", b'{"fine":1}', int(time.time() * 1_000) + 86_400_000)  # a day ahead: the broker refuses
        sender.flush()  # or else the next one would share the batch, and its fate
        sender.send("like", "k", b'{"fine":2}', int(time.time() * 1_000))
    assert (sender.sent, sender.delivered, sender.failed) == (3, 1, 2)
    assert sum(sender.errors.values()) == 2
    assert [record.value for _, record in log()] == [b'{"fine":2}']


PLAIN = """
import sys
import orjson
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": sys.argv[1], "linger.ms": 50, "queue.buffering.max.messages": 1_000_000})
for line in open(sys.argv[2], "rb"):
    one = orjson.loads(line)
    value = orjson.dumps(one["value"]) if "value" in one else one["raw"]
    producer.produce(one["topic"], value, one["key"], timestamp=one["timestamp"])
    producer.poll(0)
producer.flush()
"""
"""As little as a producer in Python can do that reads the same lines."""


def test_producing_costs_a_small_multiple_of_the_least_it_can(cli: Cli, stack: Settings, tmp_path: Path) -> None:
    """In processor time, start-up included, side by side: how fast this machine is now does not matter."""
    out = tmp_path / "much.jsonl"

    def cost(*command: str) -> float:
        before = processor_seconds()
        done = cli(*command) if command[0] != "-c" else subprocess.run([sys.executable, *command], check=True, text=True)
        assert done.returncode == 0, done.stderr
        return processor_seconds() - before

    simulated = cost("simulate", "--fast", "--events", "100000", "--rate", "3000", "--room-prefix", new_prefix(), "--out", str(out))
    replayed = cost("replay", str(out), "--speed", "max")
    plain = cost("-c", PLAIN, stack.kafka_address, str(out))
    print(f"plain {plain:.1f} s, replay {replayed:.1f} s, simulate {simulated:.1f} s")
    assert max(replayed, simulated) < 8 * plain  # seen: 2 to 4


def processor_seconds() -> float:
    """What the commands that have ended so far have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(environment: dict[str, str], *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """Start `livepulse` in the background."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("livepulse")), *arguments],
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
