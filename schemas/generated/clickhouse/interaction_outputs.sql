DROP TABLE IF EXISTS interaction_room_queue;

DROP VIEW IF EXISTS interaction_room_to_room_10s;

DROP VIEW IF EXISTS interaction_room_to_room_1m;

DROP VIEW IF EXISTS interaction_room_to_dead_letter;

DROP VIEW IF EXISTS interaction_room_to_freshness_sample;

CREATE TABLE interaction_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  comments UInt64,
  likes UInt64,
  group_messages UInt64,
  commenters UInt64,
  likers UInt64,
  interacting_users UInt64,
  active_users UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW interaction_room_to_room_10s TO room_10s_counters AS
SELECT * EXCEPT window_seconds FROM interaction_room_queue WHERE window_seconds = 10 AND _error = '';

CREATE MATERIALIZED VIEW interaction_room_to_room_1m TO room_1m_counters AS
SELECT * EXCEPT window_seconds FROM interaction_room_queue WHERE window_seconds = 60 AND _error = '';

CREATE MATERIALIZED VIEW interaction_room_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM interaction_room_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW interaction_room_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'interaction' AS job, 'interaction_room' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM interaction_room_queue WHERE _error = '';

CREATE OR REPLACE TABLE interaction_room_queue
(
  room_id String,
  window_seconds UInt64,
  window_start DateTime('UTC'),
  comments UInt64,
  likes UInt64,
  group_messages UInt64,
  commenters UInt64,
  likers UInt64,
  interacting_users UInt64,
  active_users UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_interaction_room',
  kafka_group_name = '${readers}-metric_interaction_room',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS interaction_broadcast_queue;

DROP VIEW IF EXISTS interaction_broadcast_to_broadcast;

DROP VIEW IF EXISTS interaction_broadcast_to_dead_letter;

DROP VIEW IF EXISTS interaction_broadcast_to_freshness_sample;

CREATE TABLE interaction_broadcast_queue
(
  room_id String,
  broadcast_id String,
  comments UInt64,
  likes UInt64,
  group_messages UInt64,
  commenters UInt64,
  likers UInt64,
  interacting_users UInt64,
  active_users UInt64,
  first_activity_at DateTime64(3, 'UTC'),
  last_activity_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW interaction_broadcast_to_broadcast TO broadcast_counters AS
SELECT * FROM interaction_broadcast_queue WHERE _error = '';

CREATE MATERIALIZED VIEW interaction_broadcast_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM interaction_broadcast_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW interaction_broadcast_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'interaction' AS job, 'interaction_broadcast' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM interaction_broadcast_queue WHERE _error = '';

CREATE OR REPLACE TABLE interaction_broadcast_queue
(
  room_id String,
  broadcast_id String,
  comments UInt64,
  likes UInt64,
  group_messages UInt64,
  commenters UInt64,
  likers UInt64,
  interacting_users UInt64,
  active_users UInt64,
  first_activity_at DateTime64(3, 'UTC'),
  last_activity_at DateTime64(3, 'UTC'),
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_interaction_broadcast',
  kafka_group_name = '${readers}-metric_interaction_broadcast',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS interaction_broadcast_minutes_queue;

DROP VIEW IF EXISTS interaction_broadcast_minutes_to_broadcast_1m;

DROP VIEW IF EXISTS interaction_broadcast_minutes_to_dead_letter;

DROP VIEW IF EXISTS interaction_broadcast_minutes_to_freshness_sample;

CREATE TABLE interaction_broadcast_minutes_queue
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  active_users UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW interaction_broadcast_minutes_to_broadcast_1m TO broadcast_1m_counters AS
SELECT * FROM interaction_broadcast_minutes_queue WHERE _error = '';

CREATE MATERIALIZED VIEW interaction_broadcast_minutes_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM interaction_broadcast_minutes_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW interaction_broadcast_minutes_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'interaction' AS job, 'interaction_broadcast_minutes' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM interaction_broadcast_minutes_queue WHERE _error = '';

CREATE OR REPLACE TABLE interaction_broadcast_minutes_queue
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  active_users UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_interaction_broadcast_minutes',
  kafka_group_name = '${readers}-metric_interaction_broadcast_minutes',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';

DROP TABLE IF EXISTS interaction_group_queue;

DROP VIEW IF EXISTS interaction_group_to_group_1m;

DROP VIEW IF EXISTS interaction_group_to_dead_letter;

DROP VIEW IF EXISTS interaction_group_to_freshness_sample;

CREATE TABLE interaction_group_queue
(
  group_id String,
  window_start DateTime('UTC'),
  messages UInt64,
  staff_messages UInt64,
  members UInt64,
  staff UInt64,
  last_record_at DateTime64(3, 'UTC'),
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null;

CREATE MATERIALIZED VIEW interaction_group_to_group_1m TO group_1m_counters AS
SELECT * FROM interaction_group_queue WHERE _error = '';

CREATE MATERIALIZED VIEW interaction_group_to_dead_letter TO dead_letter AS
SELECT 'unreadable_metric' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM interaction_group_queue AS queue WHERE _error != '';

CREATE MATERIALIZED VIEW interaction_group_to_freshness_sample TO freshness_sample_buffer AS
SELECT 'interaction' AS job, 'interaction_group' AS output, last_record_at AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM interaction_group_queue WHERE _error = '';

CREATE OR REPLACE TABLE interaction_group_queue
(
  group_id String,
  window_start DateTime('UTC'),
  messages UInt64,
  staff_messages UInt64,
  members UInt64,
  staff UInt64,
  last_record_at DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'metric_interaction_group',
  kafka_group_name = '${readers}-metric_interaction_group',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${metric_flush_ms},
  kafka_poll_timeout_ms = ${metric_poll_ms},
  kafka_consumer_reschedule_ms = 10,
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort';
