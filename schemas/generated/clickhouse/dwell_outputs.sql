DROP TABLE IF EXISTS dwell_room_queue;

DROP VIEW IF EXISTS dwell_room_to_room_1m;

DROP VIEW IF EXISTS dwell_room_to_room_10s;

DROP VIEW IF EXISTS dwell_room_to_dead_letter;

DROP VIEW IF EXISTS dwell_room_to_freshness_sample;

CREATE TABLE dwell_room_queue
(
  room_id String,
  window_start DateTime('UTC'),
  viewers UInt64,
  viewers_10s Array(UInt64),
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW dwell_room_to_room_1m TO room_1m_counters AS
SELECT room_id, window_start, viewers, arraySum(viewers_10s) AS viewer_slots, last_record_at FROM dwell_room_queue WHERE _error = '';

CREATE MATERIALIZED VIEW dwell_room_to_room_10s TO room_10s_counters AS
SELECT room_id, window_start + 10 * (slot - 1) AS window_start, n AS viewers, n AS viewer_slots, last_record_at FROM dwell_room_queue ARRAY JOIN viewers_10s AS n, arrayEnumerate(viewers_10s) AS slot WHERE n > 0 AND _error = '';

CREATE MATERIALIZED VIEW dwell_room_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM dwell_room_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW dwell_room_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'dwell' AS job, 'dwell_room' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM dwell_room_queue WHERE _error = '';

CREATE OR REPLACE TABLE dwell_room_queue
(
  room_id String,
  window_start DateTime('UTC'),
  viewers UInt64,
  viewers_10s Array(UInt64),
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_dwell_room',
  kafka_group_name = '${readers}-metric_dwell_room',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS dwell_broadcast_slots_queue;

DROP VIEW IF EXISTS dwell_broadcast_slots_to_broadcast_10s;

DROP VIEW IF EXISTS dwell_broadcast_slots_to_broadcast_concurrency_1m;

DROP VIEW IF EXISTS dwell_broadcast_slots_to_dead_letter;

DROP VIEW IF EXISTS dwell_broadcast_slots_to_freshness_sample;

CREATE TABLE dwell_broadcast_slots_queue
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  viewers_10s Array(UInt64),
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW dwell_broadcast_slots_to_broadcast_10s TO broadcast_10s_counters AS
SELECT room_id, broadcast_id, window_start + 10 * (slot - 1) AS window_start, n AS viewers, last_record_at FROM dwell_broadcast_slots_queue ARRAY JOIN viewers_10s AS n, arrayEnumerate(viewers_10s) AS slot WHERE n > 0 AND _error = '';

CREATE MATERIALIZED VIEW dwell_broadcast_slots_to_broadcast_concurrency_1m TO broadcast_concurrency_1m_counters AS
SELECT room_id, broadcast_id, window_start, arraySum(viewers_10s) AS viewer_slots, arrayMax(viewers_10s) AS peak_concurrency, last_record_at FROM dwell_broadcast_slots_queue WHERE _error = '';

CREATE MATERIALIZED VIEW dwell_broadcast_slots_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM dwell_broadcast_slots_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW dwell_broadcast_slots_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'dwell' AS job, 'dwell_broadcast_slots' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM dwell_broadcast_slots_queue WHERE _error = '';

CREATE OR REPLACE TABLE dwell_broadcast_slots_queue
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  viewers_10s Array(UInt64),
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_dwell_broadcast_slots',
  kafka_group_name = '${readers}-metric_dwell_broadcast_slots',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS dwell_broadcast_queue;

DROP VIEW IF EXISTS dwell_broadcast_to_broadcast;

DROP VIEW IF EXISTS dwell_broadcast_to_dead_letter;

DROP VIEW IF EXISTS dwell_broadcast_to_freshness_sample;

CREATE TABLE dwell_broadcast_queue
(
  room_id String,
  broadcast_id String,
  viewers UInt64,
  viewers_community UInt64,
  viewers_follow UInt64,
  viewers_feed UInt64,
  viewers_search UInt64,
  viewers_paid UInt64,
  viewers_share UInt64,
  viewers_other UInt64,
  first_view_at DateTime64(3, 'UTC'),
  last_view_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW dwell_broadcast_to_broadcast TO broadcast_counters AS
SELECT * FROM dwell_broadcast_queue WHERE _error = '';

CREATE MATERIALIZED VIEW dwell_broadcast_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM dwell_broadcast_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW dwell_broadcast_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'dwell' AS job, 'dwell_broadcast' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM dwell_broadcast_queue WHERE _error = '';

CREATE OR REPLACE TABLE dwell_broadcast_queue
(
  room_id String,
  broadcast_id String,
  viewers UInt64,
  viewers_community UInt64,
  viewers_follow UInt64,
  viewers_feed UInt64,
  viewers_search UInt64,
  viewers_paid UInt64,
  viewers_share UInt64,
  viewers_other UInt64,
  first_view_at DateTime64(3, 'UTC'),
  last_view_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_dwell_broadcast',
  kafka_group_name = '${readers}-metric_dwell_broadcast',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';
