CREATE TEMPORARY TABLE `dwell_room` (
  `room_id` STRING,
  `window_start` BIGINT,
  `viewers` BIGINT,
  `viewers_10s` ARRAY<BIGINT>,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_dwell_room',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `dwell_broadcast_slots` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `window_start` BIGINT,
  `viewers_10s` ARRAY<BIGINT>,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_dwell_broadcast_slots',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `dwell_broadcast` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `viewers` BIGINT,
  `viewers_community` BIGINT,
  `viewers_follow` BIGINT,
  `viewers_feed` BIGINT,
  `viewers_search` BIGINT,
  `viewers_paid` BIGINT,
  `viewers_share` BIGINT,
  `viewers_other` BIGINT,
  `first_view_at` TIMESTAMP_LTZ(3),
  `last_view_at` TIMESTAMP_LTZ(3),
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_dwell_broadcast',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);
