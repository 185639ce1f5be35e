CREATE TEMPORARY TABLE `repurchase_room` (
  `room_id` STRING,
  `window_seconds` BIGINT,
  `window_start` BIGINT,
  `repeat_orders` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `window_seconds`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_repurchase_room',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `repurchase_broadcast` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `repeat_orders` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_repurchase_broadcast',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `repurchase_buyer_day` (
  `room_id` STRING,
  `user_id` STRING,
  `day` STRING,
  `orders_paid` BIGINT,
  `first_paid_at` TIMESTAMP_LTZ(3),
  `last_paid_at` TIMESTAMP_LTZ(3),
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `user_id`, `day`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_repurchase_buyer_day',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);
