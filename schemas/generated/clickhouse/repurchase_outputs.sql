DROP TABLE IF EXISTS repurchase_room_queue;

DROP VIEW IF EXISTS repurchase_room_to_room_10s;

DROP VIEW IF EXISTS repurchase_room_to_room_1m;

DROP VIEW IF EXISTS repurchase_room_to_dead_letter;

DROP VIEW IF EXISTS repurchase_room_to_freshness_sample;

CREATE TABLE repurchase_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  repeat_orders UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW repurchase_room_to_room_10s TO room_10s_counters AS
SELECT * EXCEPT window_seconds FROM repurchase_room_queue WHERE window_seconds = 10 AND _error = '';

CREATE MATERIALIZED VIEW repurchase_room_to_room_1m TO room_1m_counters AS
SELECT * EXCEPT window_seconds FROM repurchase_room_queue WHERE window_seconds = 60 AND _error = '';

CREATE MATERIALIZED VIEW repurchase_room_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM repurchase_room_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW repurchase_room_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'repurchase' AS job, 'repurchase_room' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM repurchase_room_queue WHERE _error = '';

CREATE OR REPLACE TABLE repurchase_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  repeat_orders UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_repurchase_room',
  kafka_group_name = '${readers}-metric_repurchase_room',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS repurchase_broadcast_queue;

DROP VIEW IF EXISTS repurchase_broadcast_to_broadcast;

DROP VIEW IF EXISTS repurchase_broadcast_to_dead_letter;

DROP VIEW IF EXISTS repurchase_broadcast_to_freshness_sample;

CREATE TABLE repurchase_broadcast_queue
(
  room_id String,
  broadcast_id String,
  repeat_orders UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW repurchase_broadcast_to_broadcast TO broadcast_counters AS
SELECT * FROM repurchase_broadcast_queue WHERE _error = '';

CREATE MATERIALIZED VIEW repurchase_broadcast_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM repurchase_broadcast_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW repurchase_broadcast_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'repurchase' AS job, 'repurchase_broadcast' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM repurchase_broadcast_queue WHERE _error = '';

CREATE OR REPLACE TABLE repurchase_broadcast_queue
(
  room_id String,
  broadcast_id String,
  repeat_orders UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_repurchase_broadcast',
  kafka_group_name = '${readers}-metric_repurchase_broadcast',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS repurchase_buyer_day_queue;

DROP VIEW IF EXISTS repurchase_buyer_day_to_buyer_day;

DROP VIEW IF EXISTS repurchase_buyer_day_to_dead_letter;

DROP VIEW IF EXISTS repurchase_buyer_day_to_freshness_sample;

CREATE TABLE repurchase_buyer_day_queue
(
  room_id String,
  user_id String,
  day Date,
  orders_paid UInt64,
  first_paid_at DateTime64(3, 'UTC'),
  last_paid_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW repurchase_buyer_day_to_buyer_day TO buyer_day_counters AS
SELECT * FROM repurchase_buyer_day_queue WHERE _error = '';

CREATE MATERIALIZED VIEW repurchase_buyer_day_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM repurchase_buyer_day_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW repurchase_buyer_day_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'repurchase' AS job, 'repurchase_buyer_day' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM repurchase_buyer_day_queue WHERE _error = '';

CREATE OR REPLACE TABLE repurchase_buyer_day_queue
(
  room_id String,
  user_id String,
  day Date,
  orders_paid UInt64,
  first_paid_at DateTime64(3, 'UTC'),
  last_paid_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_repurchase_buyer_day',
  kafka_group_name = '${readers}-metric_repurchase_buyer_day',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';
