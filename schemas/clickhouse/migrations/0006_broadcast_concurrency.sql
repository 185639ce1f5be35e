CREATE TABLE IF NOT EXISTS broadcast_concurrency_1m_counters
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  viewer_slots SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users and slots of 10 s in which they were there. [dwell]',
  peak_concurrency SimpleAggregateFunction(max, UInt64) COMMENT 'Greatest number of distinct viewers in a window of 10 s. [dwell]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(window_start)
ORDER BY (room_id, broadcast_id, window_start)
COMMENT 'Who watched one broadcast in one minute, by its slots of 10 s. Counters that only grow; read `broadcast_concurrency_1m`.';

-- What was counted before. Nothing comes from Kafka meanwhile: `livepulse migrate` makes the queue anew, with its way to this table.
DROP TABLE IF EXISTS dwell_broadcast_slots_queue;

INSERT INTO broadcast_concurrency_1m_counters SETTINGS max_partitions_per_insert_block = 0
SELECT room_id, broadcast_id, toStartOfMinute(slots.window_start) AS minute, sum(viewers), max(viewers), max(last_record_at)
FROM broadcast_10s_counters AS slots FINAL
GROUP BY room_id, broadcast_id, minute;
