-- People entering a room, still watching (every 10 s), leaving.
CREATE TEMPORARY TABLE `view_record` (
  `event_time` BIGINT NOT NULL,
  `room_id` STRING NOT NULL,
  `stream_id` STRING,
  `user_id` STRING NOT NULL,
  `action` STRING NOT NULL,
  `source` STRING NOT NULL,
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  `read_at` AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = 'view',
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
      "room_id": {"type": "string", "minLength": 1, "maxLength": 64},
      "stream_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
      "user_id": {"type": "string", "minLength": 1, "maxLength": 64},
      "action": {"type": "string", "enum": ["enter", "heartbeat", "leave"]},
      "source": {"type": "string", "enum": ["community", "follow", "feed", "search", "paid", "share", "other"]}
    },
    "required": ["event_id", "event_time", "schema_version", "platform", "room_id", "user_id", "action", "source"]
  }'
);

-- The events that count: valid, as `strict-json` gives no others, not late, not from the future.
CREATE TEMPORARY VIEW `view` AS
SELECT
  `room_id`, `user_id`, `action`, `source`,
  `event_time`,
  `record_time`,
  `read_at`,
  -- Not COALESCE: it would work out the day of every event.
  CASE WHEN `stream_id` IS NULL THEN 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')
    ELSE `stream_id` END AS `broadcast_id`
FROM `view_record`
WHERE TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${lateness}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${future}' DAY TO SECOND;
