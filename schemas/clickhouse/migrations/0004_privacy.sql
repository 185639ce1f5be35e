ALTER TABLE comment_event ADD COLUMN IF NOT EXISTS age_group LowCardinality(String) COMMENT 'Of who wrote, where known; `under_14`: the text is not stored.';

ALTER TABLE group_message_event ADD COLUMN IF NOT EXISTS age_group LowCardinality(String) COMMENT 'Of who wrote, where known; `under_14`: the text is not stored.';

CREATE TABLE IF NOT EXISTS forgotten_user
(
  request String COMMENT 'A random number, the same in every row of a request.',
  forgotten_at DateTime64(3, 'UTC') COMMENT 'When it was done.',
  table LowCardinality(String) COMMENT 'Table whose rows were changed; empty where nothing was found.',
  rows UInt64 COMMENT 'Rows that were changed there.',
  unfinished String COMMENT 'Until the request is finished: a random number, and the pseudonym that follows from it and the id.'
)
ENGINE = MergeTree
ORDER BY (forgotten_at, request)
COMMENT 'Requests to forget a person: that it was done, not to whom.';

ALTER TABLE buyer_day_counters ADD COLUMN IF NOT EXISTS inserted_at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() COMMENT 'When the row last changed; retention counts from here.';
