DROP TABLE IF EXISTS order_queue;

DROP VIEW IF EXISTS order_parse;

DROP VIEW IF EXISTS order_store;

DROP VIEW IF EXISTS order_reject;

DROP VIEW IF EXISTS order_counted;

DROP TABLE IF EXISTS order_parsed;

CREATE TABLE order_parsed
(
  event_id String,
  event_time Int64,
  schema_version Int64,
  platform String,
  room_id String,
  stream_id String,
  user_id String,
  order_id String,
  product_id String,
  quantity Int64,
  amount Int64,
  currency String,
  status String,
  source String,
  promotion_id String,
  problem Tuple(reason LowCardinality(String), field LowCardinality(String)),
  raw String,
  _topic LowCardinality(String),
  _partition UInt32,
  _offset UInt64,
  received_at DateTime64(3, 'UTC')
)
ENGINE = Null
COMMENT 'What a record says, and what is wrong with it: parsed once, for both ways out.';

CREATE MATERIALIZED VIEW order_store TO order_event AS
SELECT
  parsed.event_id AS event_id,
  fromUnixTimestamp64Milli(parsed.event_time, 'UTC') AS event_time,
  CAST(parsed.schema_version, 'UInt16') AS schema_version,
  parsed.platform AS platform,
  parsed.room_id AS room_id,
  parsed.stream_id AS stream_id,
  parsed.user_id AS user_id,
  parsed.order_id AS order_id,
  parsed.product_id AS product_id,
  CAST(parsed.quantity, 'UInt32') AS quantity,
  CAST(parsed.amount, 'UInt64') AS amount,
  parsed.currency AS currency,
  parsed.status AS status,
  parsed.source AS source,
  parsed.promotion_id AS promotion_id,
  if(parsed.stream_id = '', concat('day:', toString(toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}'))), parsed.stream_id) AS broadcast_id,
  toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}') AS day,
  toUnixTimestamp64Milli(received_at) - parsed.event_time > ${lateness_ms} AS is_late,
  _topic, _partition, _offset, received_at
FROM order_parsed AS parsed
WHERE problem.reason = '';

CREATE MATERIALIZED VIEW order_reject TO dead_letter AS
SELECT problem.reason AS reason, problem.field AS field, raw, _topic, _partition, _offset, received_at
FROM order_parsed
WHERE problem.reason != '';

CREATE TABLE order_queue (raw String)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'order',
  kafka_group_name = '${readers}-order',
  kafka_format = 'RawBLOB',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${event_flush_ms},
  kafka_poll_timeout_ms = ${event_poll_ms},
  kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW order_parse TO order_parsed AS
WITH
  JSONExtract(raw, 'Tuple(event_id Nullable(String), event_time Nullable(Int64), schema_version Nullable(Int64), platform Nullable(String), room_id Nullable(String), stream_id Nullable(String), user_id Nullable(String), order_id Nullable(String), product_id Nullable(String), quantity Nullable(Int64), amount Nullable(Int64), currency Nullable(String), status Nullable(String), source Nullable(String), promotion_id Nullable(String))') AS fields,
  NOT startsWith(raw, '\xEF\xBB\xBF')
  AND ifNull(lengthUTF8(fields.event_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.event_id) OR JSONType(raw, 'event_id') = 'String'), 0)
  AND ifNull(JSONType(raw, 'event_time') = 'Int64' AND fields.event_time BETWEEN 0 AND 4102444799999, 0)
  AND ifNull(JSONType(raw, 'schema_version') = 'Int64' AND fields.schema_version BETWEEN 1 AND 32767, 0)
  AND ifNull(lengthUTF8(fields.platform) BETWEEN 1 AND 32 AND (NOT isValidJSON(fields.platform) OR JSONType(raw, 'platform') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.room_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.room_id) OR JSONType(raw, 'room_id') = 'String'), 0)
  AND (fields.stream_id IS NULL OR ifNull(lengthUTF8(fields.stream_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.stream_id) OR JSONType(raw, 'stream_id') = 'String'), 0))
  AND ifNull(lengthUTF8(fields.user_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.user_id) OR JSONType(raw, 'user_id') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.order_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.order_id) OR JSONType(raw, 'order_id') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.product_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.product_id) OR JSONType(raw, 'product_id') = 'String'), 0)
  AND ifNull(JSONType(raw, 'quantity') = 'Int64' AND fields.quantity BETWEEN 1 AND 1000000, 0)
  AND ifNull(JSONType(raw, 'amount') = 'Int64' AND fields.amount BETWEEN 0 AND 1000000000000, 0)
  AND ifNull(match(fields.currency, '^[A-Z]{3}$') AND (NOT isValidJSON(fields.currency) OR JSONType(raw, 'currency') = 'String'), 0)
  AND ifNull(fields.status IN ('created', 'paid', 'cancelled', 'refunded') AND (NOT isValidJSON(fields.status) OR JSONType(raw, 'status') = 'String'), 0)
  AND (fields.source IS NULL OR ifNull(fields.source IN ('community', 'follow', 'feed', 'search', 'paid', 'share', 'other') AND (NOT isValidJSON(fields.source) OR JSONType(raw, 'source') = 'String'), 0))
  AND (fields.promotion_id IS NULL OR ifNull(lengthUTF8(fields.promotion_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.promotion_id) OR JSONType(raw, 'promotion_id') = 'String'), 0)) AS fields_valid,
  toUnixTimestamp64Milli(assumeNotNull(_timestamp_ms)) AS received_ms
SELECT
  assumeNotNull(ifNull(fields.event_id, '')) AS event_id,
  assumeNotNull(ifNull(fields.event_time, 0)) AS event_time,
  assumeNotNull(ifNull(fields.schema_version, 0)) AS schema_version,
  assumeNotNull(ifNull(fields.platform, '')) AS platform,
  assumeNotNull(ifNull(fields.room_id, '')) AS room_id,
  assumeNotNull(ifNull(fields.stream_id, '')) AS stream_id,
  assumeNotNull(ifNull(fields.user_id, '')) AS user_id,
  assumeNotNull(ifNull(fields.order_id, '')) AS order_id,
  assumeNotNull(ifNull(fields.product_id, '')) AS product_id,
  assumeNotNull(ifNull(fields.quantity, 0)) AS quantity,
  assumeNotNull(ifNull(fields.amount, 0)) AS amount,
  assumeNotNull(ifNull(fields.currency, '')) AS currency,
  assumeNotNull(ifNull(fields.status, '')) AS status,
  assumeNotNull(ifNull(fields.source, '')) AS source,
  assumeNotNull(ifNull(fields.promotion_id, '')) AS promotion_id,
  multiIf(
  fields_valid AND event_time <= received_ms + ${future_ms}, ('', ''),
  fields_valid, ('future_event_time', 'event_time'),
  NOT isValidJSON(raw) OR startsWith(raw, '\xEF\xBB\xBF'), ('malformed_json', ''),
  JSONType(raw) != 'Object', ('not_an_object', ''),
  ifNull(JSONType(raw, 'event_id') = 'Null', 0), ('missing_field', 'event_id'),
  ifNull(JSONType(raw, 'event_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'event_id'),
  ifNull(lengthUTF8(fields.event_id) < 1, 0), ('too_short', 'event_id'),
  ifNull(lengthUTF8(fields.event_id) > 64, 0), ('too_long', 'event_id'),
  ifNull(JSONType(raw, 'event_time') = 'Null', 0), ('missing_field', 'event_time'),
  ifNull(JSONType(raw, 'event_time') = 'UInt64', 0), ('out_of_range', 'event_time'),
  ifNull(JSONType(raw, 'event_time') NOT IN ('Null', 'Int64'), 0), ('wrong_type', 'event_time'),
  ifNull(fields.event_time NOT BETWEEN 0 AND 4102444799999, 0), ('out_of_range', 'event_time'),
  ifNull(JSONType(raw, 'schema_version') = 'Null', 0), ('missing_field', 'schema_version'),
  ifNull(JSONType(raw, 'schema_version') = 'UInt64', 0), ('out_of_range', 'schema_version'),
  ifNull(JSONType(raw, 'schema_version') NOT IN ('Null', 'Int64'), 0), ('wrong_type', 'schema_version'),
  ifNull(fields.schema_version NOT BETWEEN 1 AND 32767, 0), ('out_of_range', 'schema_version'),
  ifNull(JSONType(raw, 'platform') = 'Null', 0), ('missing_field', 'platform'),
  ifNull(JSONType(raw, 'platform') NOT IN ('Null', 'String'), 0), ('wrong_type', 'platform'),
  ifNull(lengthUTF8(fields.platform) < 1, 0), ('too_short', 'platform'),
  ifNull(lengthUTF8(fields.platform) > 32, 0), ('too_long', 'platform'),
  ifNull(JSONType(raw, 'room_id') = 'Null', 0), ('missing_field', 'room_id'),
  ifNull(JSONType(raw, 'room_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'room_id'),
  ifNull(lengthUTF8(fields.room_id) < 1, 0), ('too_short', 'room_id'),
  ifNull(lengthUTF8(fields.room_id) > 64, 0), ('too_long', 'room_id'),
  ifNull(JSONType(raw, 'stream_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'stream_id'),
  ifNull(lengthUTF8(fields.stream_id) < 1, 0), ('too_short', 'stream_id'),
  ifNull(lengthUTF8(fields.stream_id) > 64, 0), ('too_long', 'stream_id'),
  ifNull(JSONType(raw, 'user_id') = 'Null', 0), ('missing_field', 'user_id'),
  ifNull(JSONType(raw, 'user_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'user_id'),
  ifNull(lengthUTF8(fields.user_id) < 1, 0), ('too_short', 'user_id'),
  ifNull(lengthUTF8(fields.user_id) > 64, 0), ('too_long', 'user_id'),
  ifNull(JSONType(raw, 'order_id') = 'Null', 0), ('missing_field', 'order_id'),
  ifNull(JSONType(raw, 'order_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'order_id'),
  ifNull(lengthUTF8(fields.order_id) < 1, 0), ('too_short', 'order_id'),
  ifNull(lengthUTF8(fields.order_id) > 64, 0), ('too_long', 'order_id'),
  ifNull(JSONType(raw, 'product_id') = 'Null', 0), ('missing_field', 'product_id'),
  ifNull(JSONType(raw, 'product_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'product_id'),
  ifNull(lengthUTF8(fields.product_id) < 1, 0), ('too_short', 'product_id'),
  ifNull(lengthUTF8(fields.product_id) > 64, 0), ('too_long', 'product_id'),
  ifNull(JSONType(raw, 'quantity') = 'Null', 0), ('missing_field', 'quantity'),
  ifNull(JSONType(raw, 'quantity') = 'UInt64', 0), ('out_of_range', 'quantity'),
  ifNull(JSONType(raw, 'quantity') NOT IN ('Null', 'Int64'), 0), ('wrong_type', 'quantity'),
  ifNull(fields.quantity NOT BETWEEN 1 AND 1000000, 0), ('out_of_range', 'quantity'),
  ifNull(JSONType(raw, 'amount') = 'Null', 0), ('missing_field', 'amount'),
  ifNull(JSONType(raw, 'amount') = 'UInt64', 0), ('out_of_range', 'amount'),
  ifNull(JSONType(raw, 'amount') NOT IN ('Null', 'Int64'), 0), ('wrong_type', 'amount'),
  ifNull(fields.amount NOT BETWEEN 0 AND 1000000000000, 0), ('out_of_range', 'amount'),
  ifNull(JSONType(raw, 'currency') = 'Null', 0), ('missing_field', 'currency'),
  ifNull(JSONType(raw, 'currency') NOT IN ('Null', 'String'), 0), ('wrong_type', 'currency'),
  ifNull(NOT match(fields.currency, '^[A-Z]{3}$'), 0), ('bad_format', 'currency'),
  ifNull(JSONType(raw, 'status') = 'Null', 0), ('missing_field', 'status'),
  ifNull(JSONType(raw, 'status') NOT IN ('Null', 'String'), 0), ('wrong_type', 'status'),
  ifNull(fields.status NOT IN ('created', 'paid', 'cancelled', 'refunded'), 0), ('unknown_value', 'status'),
  ifNull(JSONType(raw, 'source') NOT IN ('Null', 'String'), 0), ('wrong_type', 'source'),
  ifNull(fields.source NOT IN ('community', 'follow', 'feed', 'search', 'paid', 'share', 'other'), 0), ('unknown_value', 'source'),
  ifNull(JSONType(raw, 'promotion_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'promotion_id'),
  ifNull(lengthUTF8(fields.promotion_id) < 1, 0), ('too_short', 'promotion_id'),
  ifNull(lengthUTF8(fields.promotion_id) > 64, 0), ('too_long', 'promotion_id'),
  ('malformed_json', '')
  ) AS problem,
  raw, _topic, toUInt32(queue._partition) AS _partition, _offset, assumeNotNull(_timestamp_ms) AS received_at
FROM order_queue AS queue;

CREATE VIEW order_counted AS
SELECT * FROM order_event FINAL
WHERE NOT is_late
ORDER BY _partition, _offset
LIMIT 1 BY status, CASE WHEN status = 'refunded' THEN event_id ELSE order_id END;
