CREATE TABLE IF NOT EXISTS dead_letter_replay
(
  _topic LowCardinality(String) COMMENT 'Kafka topic of the dead letter, and of what was sent for it.',
  _partition UInt32 COMMENT 'Partition of the dead letter.',
  _offset UInt64 COMMENT 'Offset of the dead letter in its partition.',
  new_partition UInt32 COMMENT 'Partition of the repaired event.',
  new_offset UInt64 COMMENT 'Offset of the repaired event in its partition.',
  event_id String COMMENT 'The event\'s own, or the one that was derived from the place of the dead letter.',
  fix String COMMENT 'What was changed, as JSON; empty when the event was sent as it was.',
  replayed_at DateTime64(3, 'UTC') COMMENT 'When Kafka had acknowledged it.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = MergeTree
ORDER BY (_topic, _partition, _offset)
COMMENT 'Dead letters that were repaired and sent again.';
