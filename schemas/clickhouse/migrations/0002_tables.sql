CREATE TABLE IF NOT EXISTS flink_metric
(
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When it was reported; retention counts from here.',
  process LowCardinality(String) COMMENT 'jobmanager, or taskmanager and its id.',
  job LowCardinality(String) COMMENT 'Name of the application; empty for a process\'s own figures.',
  task LowCardinality(String) COMMENT 'Name of the task, where the figure is of one.',
  operator LowCardinality(String) COMMENT 'Name of the operator in the task, where the figure is of one.',
  subtask Int16 COMMENT 'Number of the task\'s part; -1 where the figure is of no task.',
  metric LowCardinality(String) COMMENT 'Flink\'s name of the figure.',
  value Float64 COMMENT 'The figure, in Flink\'s unit.'
)
ENGINE = MergeTree
PARTITION BY toDate(inserted_at)
ORDER BY (metric, job, inserted_at)
COMMENT 'Flink\'s own figures over time.';

CREATE TABLE IF NOT EXISTS freshness_result
(
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When it was measured; retention counts from here.',
  job LowCardinality(String) COMMENT 'Job whose counters were watched.',
  p50 Float64 COMMENT 'Seconds from being produced to being visible: half of the events took no longer.',
  p99 Float64 COMMENT 'The same for 99 of 100 events.',
  maximum Float64 COMMENT 'The longest.',
  events UInt64 COMMENT 'Events of the minute before that were measured.'
)
ENGINE = MergeTree
PARTITION BY toDate(inserted_at)
ORDER BY (inserted_at, job)
COMMENT 'How long events took to become visible, measured while verify runs continuously.';
