-- Messages in the chat groups that hosts keep between broadcasts.
CREATE TEMPORARY TABLE `group_message_record` (
  `event_id` STRING NOT NULL,
  `event_time` BIGINT NOT NULL,
  `room_id` STRING,
  `stream_id` STRING,
  `user_id` STRING NOT NULL,
  `group_id` STRING NOT NULL,
  `role` STRING NOT NULL,
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  `read_at` AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = 'group_message',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.group.id' = '${group}',
  'properties.fetch.min.bytes' = '262144',
  'properties.fetch.max.wait.ms' = '200',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '10 s',
  'format' = 'strict-json',
  'strict-json.schema' = '{
    "properties": {
      "event_id": {"type": "string", "minLength": 1, "maxLength": 64},
      "event_time": {"type": "integer", "minimum": 0, "maximum": 4102444799999},
      "schema_version": {"type": "integer", "minimum": 1, "maximum": 32767},
      "platform": {"type": "string", "minLength": 1, "maxLength": 32},
      "room_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
      "stream_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
      "user_id": {"type": "string", "minLength": 1, "maxLength": 64},
      "group_id": {"type": "string", "minLength": 1, "maxLength": 64},
      "text": {"type": "string", "maxLength": 2000},
      "role": {"type": "string", "enum": ["member", "staff"]},
      "age_group": {"type": ["string", "null"], "enum": ["under_14", "14_17", "adult", null]}
    },
    "required": ["event_id", "event_time", "schema_version", "platform", "user_id", "group_id", "text", "role"]
  }'
);

-- The events that count: valid, as `strict-json` gives no others, not late, not from the future.
CREATE TEMPORARY VIEW `group_message` AS
SELECT
  `event_id`, `room_id`, `user_id`, `group_id`, `role`,
  `event_time`,
  `record_time`,
  `read_at`,
  -- Not COALESCE: it would work out the day of every event.
  CASE WHEN `stream_id` IS NULL THEN 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')
    ELSE `stream_id` END AS `broadcast_id`
FROM `group_message_record`
WHERE TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${lateness}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${future}' DAY TO SECOND;

-- One row for what is counted one by one, however often it was delivered: the first copy in the log. COUNT, and not
-- ROW_NUMBER: with mini-batches Flink takes that for a stream of changes, and all that follows would have to retract.
CREATE TEMPORARY VIEW `group_message_counted` AS
SELECT * FROM (
  SELECT *, COUNT(*) OVER (
    PARTITION BY event_id ORDER BY `read_at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS `copy`
  FROM `group_message`
) WHERE `copy` = 1;
