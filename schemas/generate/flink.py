"""Flink SQL from the models: one source table and its views a topic.

`${...}` are filled in when a job is submitted, from the settings.
"""

from __future__ import annotations

from schemas.events import EVENTS
from schemas.rules import FieldRule, field_rules
from schemas.topics import Topic, topics

_TYPES = {"string": "STRING", "integer": "BIGINT"}


def predicate(rule: FieldRule) -> str:
    """The SQL condition under which a field is valid; empty when every value of its type is."""
    name = f"`{rule.name}`"
    checks = []
    if rule.min_length:
        checks.append(f"CHAR_LENGTH({name}) >= {rule.min_length}")
    if rule.max_length is not None:
        checks.append(f"CHAR_LENGTH({name}) <= {rule.max_length}")
    if rule.pattern is not None:
        # In Java a `$` also matches before a line break at the end.
        checks.append(f"REGEXP({name}, '{rule.pattern.removesuffix('$')}\\z')")
    if rule.values:
        checks.append(f"{name} IN ({', '.join(repr(v) for v in rule.values)})")
    if rule.minimum is not None:
        checks.append(f"{name} BETWEEN {rule.minimum} AND {rule.maximum}")
    condition = " AND ".join(checks)
    if rule.required:
        return f"{name} IS NOT NULL" + (f" AND {condition}" if condition else "")
    return f"({name} IS NULL OR {condition})" if condition else ""


def source_sql(topic: Topic) -> str:
    """CREATE statements for a topic: `<topic>_record`, `<topic>` (valid, not late) and `<topic>_counted`."""
    rules = field_rules(EVENTS[topic.name])
    columns = ",\n".join(f"  `{r.name}` {_TYPES[r.kind]}" for r in rules)
    conditions = "\n  AND ".join(filter(None, map(predicate, rules)))
    measured = ", ".join(f"`{name}`" for name in topic.measured)
    counted = ""
    if topic.count_once_by:
        counted = f"""
-- One row for what is counted one by one, however often it was delivered: the first copy in the log. COUNT, and not
-- ROW_NUMBER: with mini-batches Flink takes that for a stream of changes, and all that follows would have to retract.
CREATE TEMPORARY VIEW `{topic.name}_counted` AS
SELECT * FROM (
  SELECT *, COUNT(*) OVER (
    PARTITION BY {topic.count_once_by} ORDER BY `read_at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS `copy`
  FROM `{topic.name}`
) WHERE `copy` = 1;
"""
    return f"""-- {topic.description}
CREATE TEMPORARY TABLE `{topic.name}_record` (
{columns},
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  `read_at` AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = '{topic.name}',
  'properties.bootstrap.servers' = '${{kafka}}',
  'properties.group.id' = '${{group}}',
  'properties.fetch.min.bytes' = '262144',
  'properties.fetch.max.wait.ms' = '200',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '10 s',
  'format' = 'strict-json'
);

-- The events that count: valid, not late, not from the future.
CREATE TEMPORARY VIEW `{topic.name}` AS
SELECT
  {measured},
  `event_time`,
  `record_time`,
  `read_at`,
  COALESCE(`stream_id`, 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')) AS `broadcast_id`
FROM `{topic.name}_record`
WHERE {conditions}
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${{lateness}}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${{future}}' DAY TO SECOND;
{counted}"""


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {f"flink/{name}.sql": source_sql(topic) for name, topic in topics().items()}
