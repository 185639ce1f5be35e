CREATE TEMPORARY TABLE `interaction_room` (
  `room_id` STRING,
  `window_seconds` BIGINT,
  `window_start` BIGINT,
  `comments` BIGINT,
  `likes` BIGINT,
  `group_messages` BIGINT,
  `commenters` BIGINT,
  `likers` BIGINT,
  `interacting_users` BIGINT,
  `active_users` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `window_seconds`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_interaction_room',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `interaction_broadcast` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `comments` BIGINT,
  `likes` BIGINT,
  `group_messages` BIGINT,
  `commenters` BIGINT,
  `likers` BIGINT,
  `interacting_users` BIGINT,
  `active_users` BIGINT,
  `first_activity_at` TIMESTAMP_LTZ(3),
  `last_activity_at` TIMESTAMP_LTZ(3),
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_interaction_broadcast',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `interaction_broadcast_minutes` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `window_start` BIGINT,
  `active_users` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_interaction_broadcast_minutes',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `interaction_group` (
  `group_id` STRING,
  `window_start` BIGINT,
  `messages` BIGINT,
  `staff_messages` BIGINT,
  `members` BIGINT,
  `staff` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`group_id`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_interaction_group',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);
