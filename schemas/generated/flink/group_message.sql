-- Messages in the chat groups that hosts keep between broadcasts.
CREATE TEMPORARY TABLE `group_message_record` (
  `event_id` STRING,
  `event_time` BIGINT,
  `schema_version` BIGINT,
  `platform` STRING,
  `room_id` STRING,
  `stream_id` STRING,
  `user_id` STRING,
  `group_id` STRING,
  `text` STRING,
  `role` STRING,
  `age_group` STRING,
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
  'format' = 'strict-json'
);

-- The events that count: valid, not late, not from the future.
CREATE TEMPORARY VIEW `group_message` AS
SELECT
  `event_id`, `room_id`, `user_id`, `group_id`, `role`,
  `event_time`,
  `record_time`,
  `read_at`,
  COALESCE(`stream_id`, 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')) AS `broadcast_id`
FROM `group_message_record`
WHERE `event_id` IS NOT NULL AND CHAR_LENGTH(`event_id`) >= 1 AND CHAR_LENGTH(`event_id`) <= 64
  AND `event_time` IS NOT NULL AND `event_time` BETWEEN 0 AND 4102444799999
  AND `schema_version` IS NOT NULL AND `schema_version` BETWEEN 1 AND 32767
  AND `platform` IS NOT NULL AND CHAR_LENGTH(`platform`) >= 1 AND CHAR_LENGTH(`platform`) <= 32
  AND (`room_id` IS NULL OR CHAR_LENGTH(`room_id`) >= 1 AND CHAR_LENGTH(`room_id`) <= 64)
  AND (`stream_id` IS NULL OR CHAR_LENGTH(`stream_id`) >= 1 AND CHAR_LENGTH(`stream_id`) <= 64)
  AND `user_id` IS NOT NULL AND CHAR_LENGTH(`user_id`) >= 1 AND CHAR_LENGTH(`user_id`) <= 64
  AND `group_id` IS NOT NULL AND CHAR_LENGTH(`group_id`) >= 1 AND CHAR_LENGTH(`group_id`) <= 64
  AND `text` IS NOT NULL AND CHAR_LENGTH(`text`) <= 2000
  AND `role` IS NOT NULL AND `role` IN ('member', 'staff')
  AND (`age_group` IS NULL OR `age_group` IN ('under_14', '14_17', 'adult'))
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${lateness}' DAY TO SECOND
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
