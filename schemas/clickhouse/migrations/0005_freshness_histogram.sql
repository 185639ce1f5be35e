CREATE TABLE IF NOT EXISTS freshness_histogram
(
  inserted_at DateTime('UTC') COMMENT 'Beginning of the 10 s in which the rows were stored; retention counts from here.',
  job LowCardinality(String) COMMENT 'Job that counted.',
  output LowCardinality(String) COMMENT 'The job\'s output: a metric topic\'s name without `metric-`.',
  stage LowCardinality(String) COMMENT '`flink`: from being produced until Flink wrote the row; `storage`: from then until ClickHouse stored it; `all`: both.',
  bucket_ms UInt32 COMMENT 'Upper end of the bucket, milliseconds; each is 9 % wider than the one before.',
  rows UInt64 COMMENT 'Rows of counters that took so long; the newest record that a row has counted is taken.'
)
ENGINE = SummingMergeTree
PARTITION BY toDate(inserted_at)
ORDER BY (inserted_at, job, output, stage, bucket_ms)
COMMENT 'How long counters took to become visible, by stage.';
