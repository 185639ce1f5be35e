CREATE TEMPORARY TABLE `conversion_room` (
  `room_id` STRING,
  `window_seconds` BIGINT,
  `window_start` BIGINT,
  `exposed_users` BIGINT,
  `click_users` BIGINT,
  `cart_users` BIGINT,
  `paying_users` BIGINT,
  `orders_created` BIGINT,
  `orders_paid` BIGINT,
  `orders_cancelled` BIGINT,
  `refunds` BIGINT,
  `orders_refunded` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `window_seconds`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_conversion_room',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `conversion_broadcast` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `exposed_users` BIGINT,
  `click_users` BIGINT,
  `cart_users` BIGINT,
  `paying_users` BIGINT,
  `orders_created` BIGINT,
  `orders_paid` BIGINT,
  `orders_cancelled` BIGINT,
  `refunds` BIGINT,
  `orders_refunded` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_conversion_broadcast',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `conversion_product` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `product_id` STRING,
  `exposed_users` BIGINT,
  `click_users` BIGINT,
  `cart_users` BIGINT,
  `paying_users` BIGINT,
  `orders_paid` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`, `product_id`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_conversion_product',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `conversion_room_sales` (
  `room_id` STRING,
  `currency` STRING,
  `window_seconds` BIGINT,
  `window_start` BIGINT,
  `orders_paid` BIGINT,
  `units_paid` BIGINT,
  `gmv_paid` BIGINT,
  `refunds` BIGINT,
  `gmv_refunded` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `currency`, `window_seconds`, `window_start`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_conversion_room_sales',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE `conversion_product_sales` (
  `room_id` STRING,
  `broadcast_id` STRING,
  `product_id` STRING,
  `currency` STRING,
  `orders_paid` BIGINT,
  `units_paid` BIGINT,
  `gmv_paid` BIGINT,
  `refunds` BIGINT,
  `gmv_refunded` BIGINT,
  `last_record_at` TIMESTAMP_LTZ(3),
  PRIMARY KEY (`room_id`, `broadcast_id`, `product_id`, `currency`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'metric_conversion_product_sales',
  'properties.bootstrap.servers' = '${kafka}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);
