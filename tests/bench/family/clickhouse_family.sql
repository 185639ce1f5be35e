-- The metric family in ClickHouse alone: one Kafka table over all topics, one materialized view, one table of states.
-- The table's counters, and how the view makes them, are filled in: with or without handling copies.

CREATE TABLE ${database}.family
(
  room_id String COMMENT 'Empty: none.',
  window_start Int64 COMMENT 'Milliseconds since the epoch.',
  ${merge},
  users AggregateFunction(uniqExact, String)
)
ENGINE = AggregatingMergeTree
ORDER BY (room_id, window_start);

CREATE TABLE ${database}.queue
(
  event_id String,
  room_id String,
  user_id String,
  event_time Int64,
  status LowCardinality(String),
  amount Int64
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = '${topics}',
  kafka_group_name = '${database}',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 2,
  kafka_thread_per_consumer = 1,
  kafka_max_block_size = 524288,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = 2000,
  input_format_skip_unknown_fields = 1;

CREATE MATERIALIZED VIEW ${database}.counting TO ${database}.family AS
SELECT
  room_id,
  intDiv(event_time, 10000) * 10000 AS window_start,
  ${count},
  uniqExactState(user_id) AS users
FROM ${database}.queue
GROUP BY room_id, window_start;
