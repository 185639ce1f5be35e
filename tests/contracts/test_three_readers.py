"""Python, ClickHouse and Flink read the same bytes alike: what is valid, why not, and every value.

Each reads with what is generated for it: `schemas.wire`, the SELECT behind the queues, and the source tables and views
of the jobs with the strict-json format. ClickHouse reads from a table here and Flink in a JVM of this process, so that
thousands of payloads take seconds.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from pydantic import Field, create_model

from pipelines.clickhouse import connect
from pipelines.flink.script import filled
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.sql import fill
from pipelines.stack.layout import Layout
from pipelines.topics import admin
from schemas.events import EVENTS, Event
from schemas.generate.clickhouse import parse_sql
from schemas.generate.flink import source_sql
from schemas.rules import field_rules
from schemas.topics import Topic, topics
from schemas.wire import Problem, check
from tests.contracts import EXAMPLES as EXAMPLE_FILES
from tests.contracts import RECEIVED_MS
from tests.judge.strategies import BASE_MS, EXAMPLES, LIMITS, broken, events, matrix
from tests.realdata.record import Record

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

Values = dict[str, str | int | None]


@dataclass(frozen=True)
class Verdict:
    """What a reader makes of a record: the values of an event, or a reason and a field."""

    values: Values | None
    problem: tuple[str, str] = ("", "")


# What is read


@cache
def payloads() -> dict[str, list[Record]]:
    """Topic -> records: every example, every odd literal in every field, and thousands made from a fixed seed."""
    found = [
        Record(path.parent.parent.name, b"r1", RECEIVED_MS, path.read_bytes()) for path in sorted(EXAMPLE_FILES.glob("*/*/*.json"))
    ]
    found += [one.record() for one in (*EXAMPLES, *LIMITS, *matrix())]
    found += [Record("comment", b"r1", BASE_MS, value) for value in _limits()]
    found += _generated()
    found += list(_mutations(found))
    by_topic: dict[str, list[Record]] = defaultdict(list)
    for one in found:
        if len(one.value) < 900_000:  # what producers and brokers let through as they come
            by_topic[one.topic].append(one)
    return by_topic


def _limits() -> Iterator[bytes]:
    """Comments at the limits that parsers have: of depth, of numbers, of names."""
    base = b'{"event_id":"e1","event_time":%d,"schema_version":1,"platform":"p","room_id":"r1","user_id":"u1"' % BASE_MS

    def text(value: bytes) -> bytes:
        return base + b',"text":' + value + b"}"

    def unknown(value: bytes) -> bytes:
        return base + b',"text":"hi","mood":' + value + b"}"

    for depth in (999, 1_000, 1_001, 1_021, 1_022, 1_023, 1_024, 1_025, 5_000):
        for nested in (
            b"[" * depth + b"]" * depth,
            b"[" * depth + b"1" + b"]" * depth,
            b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1),
            b'{"a":' * depth + b'""' + b"}" * depth,
            b'[{"a":' * (depth // 2) + b"[]" + b"}]" * (depth // 2),
            b"[1," * depth + b"null" + b"]" * depth,
        ):
            yield unknown(nested)
            yield text(nested)
    for number in (
        *(b"0." + b"3" * 2_000, b"1" + b"0" * 2_000 + b".5e-1990", b"1" + b"0" * 2_000, b"0." + b"0" * 2_000 + b"1"),
        *(b"1e-99999999999999999999", b"1e99999999999999999999", b"0e99999999999999999999", b"-0.0e400", b"0e-400"),
        *(b"1.7976931348623157e308", b"1.7976931348623158e308", b"1.7976931348623159e308", b"17976931348623157" + b"0" * 292),
        *(b"18446744073709551615", b"18446744073709551616", b"-9223372036854775808", b"-9223372036854775809"),
        *(b"99999999999999999999", b"-" + b"7" * 25, b"1e+308", b"1e309"),
    ):
        yield from (unknown(number), text(number), b"[" + number + b"]", number, base[:-4] + number + b"}")
    for string in (b"5", b"-0", b"1e5", b"1.5", b"true", b"null", b"[1]", b"{}", b'\\"hi\\"', b" 5 ", b"NaN", b"[", b"1,2"):
        yield text(b'"' + string + b'"')
    for other in (b"0.1", b"-0.0", b"5e-324", b"123456789.123456789", b"1e22", b"-1E-7", b"true", b"false", b" [ ] ", b"{ }"):
        yield text(other)
    yield unknown(b'{"text":5,"user_id":[{"text":7}]}')
    yield base + b',"' + b"n" * 100_000 + b'":1,"text":"hi"}'
    yield base + b"," + b",".join(b'"n%d":%d' % (i, i) for i in range(40_000)) + b',"text":"hi"}'
    yield text(b"{" + b",".join(b'"n%d":1' % i for i in range(40_000)) + b"}")
    yield text(b"[" + b",".join((b"1", b'"a"', b"1.5", b"true", b"null", b"[1]", b"{}")[i % 7] for i in range(100_000)) + b"]")
    yield unknown(b'"' + b"\\ud83d\\ude00" * 50_000 + b'"')
    yield from (b" ", b"\n", b"{}", b"[]", b"{" * 50_000, b"[" * 50_000, b'"' * 1_001, b"\x00" * 100)


def _generated() -> list[Record]:
    found: list[Record] = []
    always = hypothesis_settings(
        max_examples=300,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @always
    @given(broken())
    def bad(one: Record) -> None:
        found.append(one)

    @always
    @given(events(min_size=1))
    def good(log: list[Record]) -> None:
        found.extend(log)

    bad()
    good()
    return found


_PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b" ", b"\t", b"\r\n", b"\x00", b"\x0b", b"\x1f", b"\x7f", b"-", b"+"),
    *(b".", b"0", b"1", b"9", b"e", b"E5", b"null", b"true", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\x80", b"\xf0\x9f\x98\x80"),
    *(b"\\u0000", b"\\ud83d", b"\\ude00", b"\\ud83d\\ude00", b"\\u0074", b"\xe2\x80\xa8", b"\xed\xa0\xbd", b"//", b"/**/", b"'"),
    *(b'"text":5,', b'"event_time":1,', b'"user_id":{},', b'"room_id":null,', b'"":[],', b'"a":18446744073709551616,'),
)


def _mutations(found: list[Record], count: int = 3_000) -> Iterator[Record]:
    """Records with a few bytes cut out, doubled, or put in; and some as text of another encoding."""
    rng = random.Random(20_260_301)
    short = [one for one in found if 0 < len(one.value) < 2_000]
    for one in rng.choices(short, k=count):
        value = one.value
        for _ in range(rng.randint(1, 3)):
            start = rng.randint(0, len(value))
            end = min(len(value), start + rng.choice((0, 0, 1, 1, 2, 8)))
            value = value[:start] + rng.choice((b"", value[start:end] * 2, rng.choice(_PIECES), rng.choice(_PIECES))) + value[end:]
        yield Record(one.topic, one.key, one.timestamp_ms, value)
    for one in rng.choices(short, k=60):
        text = one.value.decode("utf-8", "replace")
        for encoding in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-8-sig"):
            yield Record(one.topic, one.key, one.timestamp_ms, text.encode(encoding))


# The readers


@cache
def read_by_python(topic: str, future_seconds: int) -> list[Verdict]:
    """What `schemas.wire` says of a topic's payloads."""
    verdicts = []
    for one in payloads()[topic]:
        found = check(topic, one.value, one.timestamp_ms, future_seconds)
        if isinstance(found, Problem):
            verdicts.append(Verdict(None, (found.reason, found.field)))
        else:
            verdicts.append(Verdict(found.model_dump()))
    return verdicts


@pytest.fixture(scope="module")
def read_by_clickhouse(stack: Settings) -> dict[str, list[Verdict]]:
    """Topic -> what ClickHouse says of its payloads, under the defaults of its profile."""
    verdicts = {}
    table = f"wire_{uuid4().hex}"
    with connect(stack) as client:
        # Not a temporary table: the engine as a library has none for its users.
        client.execute(
            f"CREATE TABLE {table} (raw String, _topic String, _partition UInt64, _offset UInt64,"
            " _timestamp_ms Nullable(DateTime64(3, 'UTC'))) ENGINE = Memory"
        )
        try:
            for topic, records in payloads().items():
                client.execute(f"TRUNCATE TABLE {table}")
                rows = [
                    (one.value, topic.encode(), 0, offset, datetime.fromtimestamp(one.timestamp_ms / 1_000, UTC))
                    for offset, one in enumerate(records)
                ]
                client.execute(f"INSERT INTO {table} VALUES", rows, settings={"strings_as_bytes": True})
                fields = list(EVENTS[topic].model_fields)
                parse = fill(parse_sql(topics()[topic], table), future_ms=stack.future_seconds * 1_000)
                found = client.execute(f"SELECT problem.1, problem.2, {', '.join(fields)} FROM ({parse}) ORDER BY _offset")
                verdicts[topic] = [
                    Verdict(None, (reason, field)) if reason else Verdict(dict(zip(fields, values, strict=True)))
                    for reason, field, *values in found
                ]
        finally:
            client.execute(f"DROP TABLE {table}")
    return verdicts


@pytest.fixture(scope="module")
def flink(stack: Settings) -> TableEnvironment:
    """Flink's SQL with the jobs' jars, in a process of this test."""
    from pyflink.common import Configuration
    from pyflink.table import EnvironmentSettings, TableEnvironment

    configuration = Configuration()
    jars = sorted(Layout.of(stack).flink_jars.glob("*.jar"))
    for key, value in {
        "execution.target": "local",
        "parallelism.default": "1",
        "pipeline.jars": ";".join(jar.as_uri() for jar in jars),
        "table.local-time-zone": stack.time_zone,
    }.items():
        configuration.set_string(key, value)
    return TableEnvironment.create(EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build())


@pytest.fixture(scope="module")
def read_by_flink(stack: Settings, flink: TableEnvironment) -> dict[str, dict[int, Values]]:
    """Topic -> offset -> values of the records that Flink's jobs would count."""
    suffix = f"-{uuid4().hex[:8]}"
    _send(stack, suffix)
    for topic in payloads():
        for statement in filled(_bounded_source(topics()[topic], suffix), stack, group=f"contracts{suffix}"):
            flink.execute_sql(statement)
    # One job for all, with every topic's fields: to start one takes longer than to read a topic.
    kinds = {rule.name: "STRING" if rule.kind == "string" else "BIGINT" for model in EVENTS.values() for rule in field_rules(model)}
    selects = []
    for topic in payloads():
        own = EVENTS[topic].model_fields
        columns = ", ".join(f"`{name}`" if name in own else f"CAST(NULL AS {kind})" for name, kind in kinds.items())
        selects.append(f"SELECT '{topic}', `log_offset`, {columns} FROM `{topic}`")
    found: dict[str, dict[int, Values]] = {topic: {} for topic in payloads()}
    with flink.execute_sql(" UNION ALL ".join(selects)).collect() as rows:
        for topic, offset, *values in rows:
            read = dict(zip(kinds, values, strict=True))
            found[topic][offset] = {name: read[name] for name in EVENTS[topic].model_fields}
    return found


def _bounded_source(topic: Topic, suffix: str) -> str:
    """A topic's source as the jobs have it, but of another Kafka topic, up to its end, and with all fields and offsets."""
    fields = [name for name in EVENTS[topic.name].model_fields if name != "event_time"]
    sql = source_sql(topic.model_copy(update={"measured": [*fields, "log_offset"], "count_once_by": None}))
    for before, after in (
        (f"'topic' = '{topic.name}'", f"'topic' = '{topic.name}{suffix}', 'scan.bounded.mode' = 'latest-offset'"),
        ("`read_at` AS PROCTIME()", "`read_at` AS PROCTIME(), `log_offset` BIGINT METADATA FROM 'offset' VIRTUAL"),
    ):
        assert sql.count(before) == 1
        sql = sql.replace(before, after)
    return sql


def _send(stack: Settings, suffix: str) -> None:
    from kafka.admin import NewTopic

    with closing(admin(stack)) as client:
        # Kept for ever, and in time that only the payloads know: their timestamps are of another year.
        client.create_topics([NewTopic(f"{topic}{suffix}", 1, -1, topic_configs={"retention.ms": "-1"}) for topic in payloads()])
    with Sender(stack.kafka_address) as sender:
        for topic, records in payloads().items():
            for one in records:
                sender.send(topic + suffix, None, one.value, one.timestamp_ms)
        sender.flush()
    assert not sender.failed, sender.errors


# The comparison


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_there_is_something_to_disagree_on(topic: str) -> None:
    verdicts = read_by_python(topic, future_seconds=300)
    assert sum(one.values is not None for one in verdicts) > 200
    assert len({one.problem[0] for one in verdicts}) > 8


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_clickhouse_decides_like_python(topic: str, stack: Settings, read_by_clickhouse: dict[str, list[Verdict]]) -> None:
    empty = {rule.name: "" if rule.kind == "string" else 0 for rule in field_rules(EVENTS[topic])}
    expected = [
        Verdict({name: empty[name] if value is None else value for name, value in one.values.items()}) if one.values else one
        for one in read_by_python(topic, stack.future_seconds)
    ]
    _compare(topic, expected, read_by_clickhouse[topic])


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_flink_decides_like_python(topic: str, stack: Settings, read_by_flink: dict[str, dict[int, Values]]) -> None:
    def counts(record: Record, values: Values | None) -> bool:
        return values is not None and record.timestamp_ms - int(values["event_time"] or 0) <= stack.lateness_seconds * 1_000

    expected = [
        one.values if counts(record, one.values) else None
        for record, one in zip(payloads()[topic], read_by_python(topic, stack.future_seconds), strict=True)
    ]
    _compare(topic, expected, [read_by_flink[topic].get(offset) for offset in range(len(expected))])


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ('{"properties": {"a": {"type": "string", "format": "uuid"}}}', "a: format is not understood"),
        ('{"properties": {"a": {"type": "number"}}}', "a is a string or an integer"),
        ('{"properties": {"b": {"type": "integer"}}}', "column a is STRING"),
        ('{"properties": {"a": {"type": "string"}}, "required": ["b"]}', "requires none but these"),
        ("{", "not JSON"),
    ],
)
def test_strict_json_refuses_a_schema_that_it_cannot_keep(flink: TableEnvironment, schema: str, complaint: str) -> None:
    name = f"refused_{uuid4().hex[:8]}"
    flink.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', "
        f"'properties.bootstrap.servers' = '127.0.0.1:1', 'scan.startup.mode' = 'earliest-offset', "
        f"'format' = 'strict-json', 'strict-json.schema' = '{schema}')"
    )
    with pytest.raises(Exception, match=complaint):
        flink.explain_sql(f"SELECT * FROM {name}")


def _compare(topic: str, expected: list[Any], found: list[Any]) -> None:
    records = payloads()[topic]
    differences = [
        f"{one.value[:300]!r} at {one.timestamp_ms}\n  Python: {wanted}\n  here:   {got}"
        for one, wanted, got in zip(records, expected, found, strict=True)
        if wanted != got
    ]
    assert not differences, f"{len(differences)} of {len(records)} differ:\n" + "\n".join(differences[:10])


@pytest.mark.parametrize(
    "field",
    [
        (float, Field(description="A float.")),
        (int, Field(ge=0, description="No greatest value.")),
        (int, Field(ge=0, le=9, multiple_of=3, description="A bound that SQL is not written for.")),
        (str, Field(min_length=1, description="No greatest length.")),
        (str, Field(pattern=r"^\d+$", description="Digits, but whose.")),
        (str, Field(pattern="[A-Z]", description="A part of the text.")),
        (Literal["one"], Field(description="A constant.")),
    ],
    ids=lambda field: field[1].description,
)
def test_what_one_reader_would_miss_is_refused(field: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match="strange"):
        field_rules(create_model("Strange", __base__=Event, strange=field))
