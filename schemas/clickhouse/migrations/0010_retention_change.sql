CREATE TABLE IF NOT EXISTS retention_change
(
  table LowCardinality(String) COMMENT 'Table whose rows are kept longer or shorter from then on.',
  changed_at DateTime64(3, 'UTC') COMMENT 'When it was changed.',
  days_before UInt32 COMMENT 'How many days a row had been kept after it was stored.',
  days UInt32 COMMENT 'How many it is kept from then on.'
)
ENGINE = MergeTree
ORDER BY (changed_at, days_before)
COMMENT 'Retentions that were changed, so that verify knows since when a table is whole.';
