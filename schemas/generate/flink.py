"""Flink SQL from the models: one source table and its views a topic.

`${...}` are filled in when a job is submitted, from the settings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from schemas.events import EVENTS
from schemas.generate.json_schema import constraints
from schemas.rules import FieldRule, field_rules
from schemas.topics import Topic, topics

_TYPES = {"string": "STRING", "integer": "BIGINT"}
_PLACING = ("event_time", "stream_id")
"""What every event's window and broadcast follow from."""


def _schema(rules: Sequence[FieldRule]) -> str:
    """The rules as the JSON Schema that `strict-json` reads, a field a line."""
    properties = ",\n".join(f'      "{rule.name}": {json.dumps(constraints(rule))}' for rule in rules)
    required = json.dumps([rule.name for rule in rules if rule.required])
    return f'{{\n    "properties": {{\n{properties}\n    }},\n    "required": {required}\n  }}'


def columns(topic: Topic) -> dict[str, str]:
    """Name -> type of the fields that a topic's source table has; the others are checked and left behind."""
    return {
        rule.name: _TYPES[rule.kind] + (" NOT NULL" if rule.required else "")
        for rule in field_rules(EVENTS[topic.name])
        if rule.name in {*topic.measured, *_PLACING}
    }


def source_sql(topic: Topic) -> str:
    """CREATE statements for a topic: `<topic>_record`, `<topic>` (valid, not late) and `<topic>_counted`."""
    rules = field_rules(EVENTS[topic.name])
    declared = ",\n".join(f"  `{name}` {kind}" for name, kind in columns(topic).items())
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
{declared},
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
  'format' = 'strict-json',
  'strict-json.schema' = '{_schema(rules)}'
);

-- The events that count: valid, as `strict-json` gives no others, not late, not from the future.
CREATE TEMPORARY VIEW `{topic.name}` AS
SELECT
  {measured},
  `event_time`,
  `record_time`,
  `read_at`,
  -- Not COALESCE: it would work out the day of every event.
  CASE WHEN `stream_id` IS NULL THEN 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')
    ELSE `stream_id` END AS `broadcast_id`
FROM `{topic.name}_record`
WHERE TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${{lateness}}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${{future}}' DAY TO SECOND;
{counted}"""


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {f"flink/{name}.sql": source_sql(topic) for name, topic in topics().items()}
