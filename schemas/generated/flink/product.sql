-- Product cards shown, clicked and put in the cart.
CREATE TEMPORARY TABLE `product_record` (
  `event_id` STRING,
  `event_time` BIGINT,
  `schema_version` BIGINT,
  `platform` STRING,
  `room_id` STRING,
  `stream_id` STRING,
  `user_id` STRING,
  `action` STRING,
  `product_id` STRING,
  `record_time` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  `read_at` AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = 'product',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.group.id' = '${group}',
  'properties.fetch.min.bytes' = '262144',
  'properties.fetch.max.wait.ms' = '200',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '10 s',
  'format' = 'strict-json'
);

-- The events that count: valid, not late, not from the future.
CREATE TEMPORARY VIEW `product` AS
SELECT
  `room_id`, `user_id`, `action`, `product_id`,
  `event_time`,
  `record_time`,
  `read_at`,
  COALESCE(`stream_id`, 'day:' || DATE_FORMAT(TO_TIMESTAMP_LTZ(`event_time`, 3), 'yyyy-MM-dd')) AS `broadcast_id`
FROM `product_record`
WHERE `event_id` IS NOT NULL AND CHAR_LENGTH(`event_id`) >= 1 AND CHAR_LENGTH(`event_id`) <= 64
  AND `event_time` IS NOT NULL AND `event_time` BETWEEN 0 AND 4102444799999
  AND `schema_version` IS NOT NULL AND `schema_version` BETWEEN 1 AND 32767
  AND `platform` IS NOT NULL AND CHAR_LENGTH(`platform`) >= 1 AND CHAR_LENGTH(`platform`) <= 32
  AND `room_id` IS NOT NULL AND CHAR_LENGTH(`room_id`) >= 1 AND CHAR_LENGTH(`room_id`) <= 64
  AND (`stream_id` IS NULL OR CHAR_LENGTH(`stream_id`) >= 1 AND CHAR_LENGTH(`stream_id`) <= 64)
  AND `user_id` IS NOT NULL AND CHAR_LENGTH(`user_id`) >= 1 AND CHAR_LENGTH(`user_id`) <= 64
  AND `action` IS NOT NULL AND `action` IN ('expose', 'click', 'cart')
  AND `product_id` IS NOT NULL AND CHAR_LENGTH(`product_id`) >= 1 AND CHAR_LENGTH(`product_id`) <= 64
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${lateness}' DAY TO SECOND
  AND TO_TIMESTAMP_LTZ(`event_time`, 3) <= `record_time` + INTERVAL '${future}' DAY TO SECOND;
