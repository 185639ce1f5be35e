"""ClickHouse SQL from the models: how a topic's records get into its event table or into `dead_letter`.

`${...}` are filled in from the settings when the storage is set up. All of it holds no data and is dropped and made
again at every `livepulse migrate`; the tables that keep data are `schemas.storage`.
"""

from __future__ import annotations

from schemas.events import EVENTS
from schemas.rules import FieldRule, Reason, field_rules
from schemas.storage import column_type
from schemas.topics import Topic, topics

# What every queue has in common, the metric topics' ones (jobs.clickhouse) too. Each is a consumer group of its own: in a
# group, Kafka lets only the leader notice a partition that is added, and the leader looks at the topics that it reads itself.
# A queue that was found empty would rest for half a second by default, although its poll has already waited.
QUEUE_SETTINGS = """  kafka_broker_list = '${{kafka}}',
  kafka_topic_list = '{topic}',
  kafka_group_name = '${{readers}}-{topic}',
  kafka_format = '{format}',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${{{carries}_flush_ms}},
  kafka_poll_timeout_ms = ${{{carries}_poll_ms}},
  kafka_consumer_reschedule_ms = 10"""

_WIRE_TYPE = {"string": "String", "integer": "Int64"}


def _kind(rule: FieldRule) -> str:
    """What JSON itself says a field is; 'Null' also where it is absent.

    Reading all fields as Dynamic would say the same in one parse, but that builds a type for every object and array: one
    of 1 MB where a text should be took it 40 s.
    """
    return f"JSONType(raw, '{rule.name}')"


def _failures(rule: FieldRule) -> list[tuple[str, Reason]]:
    """(condition, reason) pairs of a field, in the order in which they are asked."""
    kind = _kind(rule)
    value = f"fields.{rule.name}"
    pairs = []
    if rule.required:
        pairs.append((f"{kind} = 'Null'", Reason.MISSING_FIELD))
    if rule.kind == "integer":
        pairs.append((f"{kind} = 'UInt64'", Reason.OUT_OF_RANGE))
    pairs.append((f"{kind} NOT IN ('Null', '{_WIRE_TYPE[rule.kind]}')", Reason.WRONG_TYPE))
    if rule.min_length:
        pairs.append((f"lengthUTF8({value}) < {rule.min_length}", Reason.TOO_SHORT))
    if rule.max_length is not None:
        pairs.append((f"lengthUTF8({value}) > {rule.max_length}", Reason.TOO_LONG))
    if rule.pattern is not None:
        pairs.append((f"NOT match({value}, '{rule.pattern}')", Reason.BAD_FORMAT))
    if rule.values:
        pairs.append((f"{value} NOT IN ({', '.join(repr(v) for v in rule.values)})", Reason.UNKNOWN_VALUE))
    if rule.minimum is not None:
        pairs.append((f"{value} NOT BETWEEN {rule.minimum} AND {rule.maximum}", Reason.OUT_OF_RANGE))
    return pairs


def _valid(rule: FieldRule) -> str:
    """The condition under which a field is valid, cheaper than asking for every failure."""
    value = f"fields.{rule.name}"
    is_kind = f"{_kind(rule)} = '{_WIRE_TYPE[rule.kind]}'"
    checks = []
    if rule.min_length and rule.max_length is not None:
        checks.append(f"lengthUTF8({value}) BETWEEN {rule.min_length} AND {rule.max_length}")
    elif rule.max_length is not None:
        checks.append(f"lengthUTF8({value}) <= {rule.max_length}")
    if rule.pattern is not None:
        checks.append(f"match({value}, '{rule.pattern}')")
    if rule.values:
        checks.append(f"{value} IN ({', '.join(repr(v) for v in rule.values)})")
    if rule.kind == "string":
        # What is no string was read as its JSON text. Few strings are JSON themselves: only then is the message asked.
        checks.append(f"(NOT isValidJSON({value}) OR {is_kind})")
    if rule.minimum is not None:
        checks += [is_kind, f"{value} BETWEEN {rule.minimum} AND {rule.maximum}"]
    condition = f"ifNull({' AND '.join(checks)}, 0)"
    return condition if rule.required else f"({value} IS NULL OR {condition})"


def ingest_sql(topic: Topic) -> list[str]:
    """Statements that make a topic's way into storage, in order; the first ones drop what was there.

    The queue goes first and `parse` comes last: what is read while one of the two ways out is missing would be lost.
    """
    name = topic.name
    rules = field_rules(EVENTS[name])
    parsed_columns = ",\n".join(f"  {r.name} {_WIRE_TYPE[r.kind]}" for r in rules)
    by_age = any(r.name == "age_group" for r in rules)
    stored = ",\n".join(f"  {_stored(r, by_age)} AS {r.name}" for r in rules)
    event_time = "fromUnixTimestamp64Milli(parsed.event_time, 'UTC')"
    return [
        f"DROP TABLE IF EXISTS {name}_queue",
        *(f"DROP VIEW IF EXISTS {name}_{view}" for view in ("parse", "store", "reject", "counted")),
        f"DROP TABLE IF EXISTS {name}_parsed",
        f"""CREATE TABLE {name}_parsed
(
{parsed_columns},
  problem Tuple(reason LowCardinality(String), field LowCardinality(String)),
  raw String,
  _topic LowCardinality(String),
  _partition UInt32,
  _offset UInt64,
  received_at DateTime64(3, 'UTC')
)
ENGINE = Null
COMMENT 'What a record says, and what is wrong with it: parsed once, for both ways out.'""",
        f"""CREATE MATERIALIZED VIEW {name}_store TO {name}_event AS
SELECT
{stored},
  if(parsed.stream_id = '', concat('day:', toString(toDate({event_time}, '${{time_zone}}'))), parsed.stream_id) AS broadcast_id,
  toDate({event_time}, '${{time_zone}}') AS day,
  toUnixTimestamp64Milli(received_at) - parsed.event_time > ${{lateness_ms}} AS is_late,
  _topic, _partition, _offset, received_at
FROM {name}_parsed AS parsed
WHERE problem.reason = ''""",
        f"""CREATE MATERIALIZED VIEW {name}_reject TO dead_letter AS
SELECT problem.reason AS reason, problem.field AS field, raw, _topic, _partition, _offset, received_at
FROM {name}_parsed
WHERE problem.reason != ''""",
        f"""CREATE TABLE {name}_queue (raw String)
ENGINE = Kafka
SETTINGS
{QUEUE_SETTINGS.format(topic=name, format="RawBLOB", carries="event")}""",
        f"CREATE MATERIALIZED VIEW {name}_parse TO {name}_parsed AS\n{parse_sql(topic, f'{name}_queue')}",
        _counted_sql(topic),
    ]


def parse_sql(topic: Topic, source: str) -> str:
    """The SELECT that reads a topic's records and says what is wrong with each.

    Args:
        source: a table with the columns `raw`, `_topic`, `_partition`, `_offset` and `_timestamp_ms`.
    """
    rules = field_rules(EVENTS[topic.name])
    wire = ", ".join(f"{r.name} Nullable({_WIRE_TYPE[r.kind]})" for r in rules)
    values = ",\n".join(f"  assumeNotNull(ifNull(fields.{r.name}, {_empty(r)})) AS {r.name}" for r in rules)
    valid = "\n  AND ".join(_valid(r) for r in rules)
    failures = ",\n".join(
        f"  ifNull({condition}, 0), ('{reason}', '{r.name}')" for r in rules for condition, reason in _failures(r)
    )
    return f"""WITH
  JSONExtract(raw, 'Tuple({wire})') AS fields,
  NOT startsWith(raw, '\\xEF\\xBB\\xBF')
  AND {valid} AS fields_valid,
  toUnixTimestamp64Milli(assumeNotNull(_timestamp_ms)) AS received_ms
SELECT
{values},
  multiIf(
  fields_valid AND event_time <= received_ms + ${{future_ms}}, ('', ''),
  fields_valid, ('{Reason.FUTURE_EVENT_TIME}', 'event_time'),
  NOT isValidJSON(raw) OR startsWith(raw, '\\xEF\\xBB\\xBF'), ('{Reason.MALFORMED_JSON}', ''),
  JSONType(raw) != 'Object', ('{Reason.NOT_AN_OBJECT}', ''),
{failures},
  ('{Reason.MALFORMED_JSON}', '')
  ) AS problem,
  raw, _topic, toUInt32(queue._partition) AS _partition, _offset, assumeNotNull(_timestamp_ms) AS received_at
FROM {source} AS queue"""


def _empty(rule: FieldRule) -> str:
    return "''" if rule.kind == "string" else "0"


def _stored(rule: FieldRule, by_age: bool) -> str:
    """What a column gets of its field; `by_age` says whether the event has an `age_group`."""
    if by_age and rule.free_text:
        return f"if(parsed.age_group = 'under_14', '', parsed.{rule.name})"
    if rule.name == "event_time":
        return "fromUnixTimestamp64Milli(parsed.event_time, 'UTC')"
    return f"CAST(parsed.{rule.name}, '{column_type(rule)}')" if rule.kind == "integer" else f"parsed.{rule.name}"


def _counted_sql(topic: Topic) -> str:
    """The view of what counters count, the batch side of Flink's view of the same name."""
    once = f"\nORDER BY _partition, _offset\nLIMIT 1 BY {topic.count_once_by}" if topic.count_once_by else ""
    return f"""CREATE VIEW {topic.name}_counted AS
SELECT * FROM {topic.name}_event FINAL
WHERE NOT is_late{once}"""


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {f"clickhouse/{name}.sql": ";\n\n".join(ingest_sql(topic)) + ";\n" for name, topic in topics().items()}
