DROP TABLE IF EXISTS conversion_room_queue;

DROP VIEW IF EXISTS conversion_room_to_room_10s;

DROP VIEW IF EXISTS conversion_room_to_room_1m;

DROP VIEW IF EXISTS conversion_room_to_dead_letter;

DROP VIEW IF EXISTS conversion_room_to_freshness_sample;

CREATE TABLE conversion_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_created UInt64,
  orders_paid UInt64,
  orders_cancelled UInt64,
  refunds UInt64,
  orders_refunded UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW conversion_room_to_room_10s TO room_10s_counters AS
SELECT * EXCEPT window_seconds FROM conversion_room_queue WHERE window_seconds = 10 AND _error = '';

CREATE MATERIALIZED VIEW conversion_room_to_room_1m TO room_1m_counters AS
SELECT * EXCEPT window_seconds FROM conversion_room_queue WHERE window_seconds = 60 AND _error = '';

CREATE MATERIALIZED VIEW conversion_room_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM conversion_room_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW conversion_room_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'conversion' AS job, 'conversion_room' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM conversion_room_queue WHERE _error = '';

CREATE OR REPLACE TABLE conversion_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_created UInt64,
  orders_paid UInt64,
  orders_cancelled UInt64,
  refunds UInt64,
  orders_refunded UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_conversion_room',
  kafka_group_name = '${readers}-metric_conversion_room',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS conversion_broadcast_queue;

DROP VIEW IF EXISTS conversion_broadcast_to_broadcast;

DROP VIEW IF EXISTS conversion_broadcast_to_dead_letter;

DROP VIEW IF EXISTS conversion_broadcast_to_freshness_sample;

CREATE TABLE conversion_broadcast_queue
(
  room_id String,
  broadcast_id String,
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_created UInt64,
  orders_paid UInt64,
  orders_cancelled UInt64,
  refunds UInt64,
  orders_refunded UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW conversion_broadcast_to_broadcast TO broadcast_counters AS
SELECT * FROM conversion_broadcast_queue WHERE _error = '';

CREATE MATERIALIZED VIEW conversion_broadcast_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM conversion_broadcast_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW conversion_broadcast_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'conversion' AS job, 'conversion_broadcast' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM conversion_broadcast_queue WHERE _error = '';

CREATE OR REPLACE TABLE conversion_broadcast_queue
(
  room_id String,
  broadcast_id String,
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_created UInt64,
  orders_paid UInt64,
  orders_cancelled UInt64,
  refunds UInt64,
  orders_refunded UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_conversion_broadcast',
  kafka_group_name = '${readers}-metric_conversion_broadcast',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS conversion_product_queue;

DROP VIEW IF EXISTS conversion_product_to_broadcast_product;

DROP VIEW IF EXISTS conversion_product_to_dead_letter;

DROP VIEW IF EXISTS conversion_product_to_freshness_sample;

CREATE TABLE conversion_product_queue
(
  room_id String,
  broadcast_id String,
  product_id String,
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_paid UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW conversion_product_to_broadcast_product TO broadcast_product_counters AS
SELECT * FROM conversion_product_queue WHERE _error = '';

CREATE MATERIALIZED VIEW conversion_product_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM conversion_product_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW conversion_product_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'conversion' AS job, 'conversion_product' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM conversion_product_queue WHERE _error = '';

CREATE OR REPLACE TABLE conversion_product_queue
(
  room_id String,
  broadcast_id String,
  product_id String,
  exposed_users UInt64,
  click_users UInt64,
  cart_users UInt64,
  paying_users UInt64,
  orders_paid UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_conversion_product',
  kafka_group_name = '${readers}-metric_conversion_product',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS conversion_room_sales_queue;

DROP VIEW IF EXISTS conversion_room_sales_to_room_sales_10s;

DROP VIEW IF EXISTS conversion_room_sales_to_room_sales_1m;

DROP VIEW IF EXISTS conversion_room_sales_to_dead_letter;

DROP VIEW IF EXISTS conversion_room_sales_to_freshness_sample;

CREATE TABLE conversion_room_sales_queue
(
  room_id String,
  currency String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  orders_paid UInt64,
  units_paid UInt64,
  gmv_paid UInt64,
  refunds UInt64,
  gmv_refunded UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW conversion_room_sales_to_room_sales_10s TO room_sales_10s_counters AS
SELECT * EXCEPT window_seconds FROM conversion_room_sales_queue WHERE window_seconds = 10 AND _error = '';

CREATE MATERIALIZED VIEW conversion_room_sales_to_room_sales_1m TO room_sales_1m_counters AS
SELECT * EXCEPT window_seconds FROM conversion_room_sales_queue WHERE window_seconds = 60 AND _error = '';

CREATE MATERIALIZED VIEW conversion_room_sales_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM conversion_room_sales_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW conversion_room_sales_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'conversion' AS job, 'conversion_room_sales' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM conversion_room_sales_queue WHERE _error = '';

CREATE OR REPLACE TABLE conversion_room_sales_queue
(
  room_id String,
  currency String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  orders_paid UInt64,
  units_paid UInt64,
  gmv_paid UInt64,
  refunds UInt64,
  gmv_refunded UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_conversion_room_sales',
  kafka_group_name = '${readers}-metric_conversion_room_sales',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS conversion_product_sales_queue;

DROP VIEW IF EXISTS conversion_product_sales_to_broadcast_product_sales;

DROP VIEW IF EXISTS conversion_product_sales_to_dead_letter;

DROP VIEW IF EXISTS conversion_product_sales_to_freshness_sample;

CREATE TABLE conversion_product_sales_queue
(
  room_id String,
  broadcast_id String,
  product_id String,
  currency String,
  orders_paid UInt64,
  units_paid UInt64,
  gmv_paid UInt64,
  refunds UInt64,
  gmv_refunded UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW conversion_product_sales_to_broadcast_product_sales TO broadcast_product_sales_counters AS
SELECT * FROM conversion_product_sales_queue WHERE _error = '';

CREATE MATERIALIZED VIEW conversion_product_sales_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM conversion_product_sales_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW conversion_product_sales_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'conversion' AS job, 'conversion_product_sales' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM conversion_product_sales_queue WHERE _error = '';

CREATE OR REPLACE TABLE conversion_product_sales_queue
(
  room_id String,
  broadcast_id String,
  product_id String,
  currency String,
  orders_paid UInt64,
  units_paid UInt64,
  gmv_paid UInt64,
  refunds UInt64,
  gmv_refunded UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_conversion_product_sales',
  kafka_group_name = '${readers}-metric_conversion_product_sales',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';
