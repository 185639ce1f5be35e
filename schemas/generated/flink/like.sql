-- Hearts, in batches as clients send them.
CREATE TEMPORARY TABLE `like_record` (
  `event_id` STRING NOT NULL,
  `event_time` BIGINT NOT NULL,
  `room_id` STRING NOT NULL,
  `stream_id` STRING,
  `user_id` STRING NOT NULL,
  `count` BIGINT NOT NULL,
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  `read_at` AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = 'like',
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
      "count": {"type": "integer", "minimum": 1, "maximum": 10000}
    },
    "required": ["event_id", "event_time", "schema_version", "platform", "room_id", "user_id", "count"]
  }'
);

-- The events that count: valid, as `strict-json` gives no others, not late, not from the future.
CREATE TEMPORARY VIEW `like` AS
SELECT
  `event_id`, `room_id`, `user_id`, `count`,
  `event_time`,
  `record_time`,
  `read_at`,
  -- Not COALESCE: it would work out the day of every event.
  CASE WHEN `stream_id` IS NULL THEN 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')
    ELSE `stream_id` END AS `broadcast_id`
FROM `like_record`
WHERE TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${lateness}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${future}' DAY TO SECOND;

-- One row for what is counted one by one, however often it was delivered: the first copy in the log. COUNT, and not
-- ROW_NUMBER: with mini-batches Flink takes that for a stream of changes, and all that follows would have to retract.
CREATE TEMPORARY VIEW `like_counted` AS
SELECT * FROM (
  SELECT *, COUNT(*) OVER (
    PARTITION BY event_id ORDER BY `read_at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS `copy`
  FROM `like`
) WHERE `copy` = 1;
