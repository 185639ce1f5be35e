DROP TABLE IF EXISTS view_queue;

DROP VIEW IF EXISTS view_parse;

DROP VIEW IF EXISTS view_store;

DROP VIEW IF EXISTS view_reject;

DROP VIEW IF EXISTS view_counted;

DROP TABLE IF EXISTS view_parsed;

CREATE TABLE view_parsed
(
  event_id String,
  event_time Int64,
  schema_version Int64,
  platform String,
  room_id String,
  stream_id String,
  user_id String,
  action String,
  source String,
  problem Tuple(reason LowCardinality(String), field LowCardinality(String)),
  raw String,
  _topic LowCardinality(String),
  _partition UInt32,
  _offset UInt64,
  received_at DateTime64(3, 'UTC')
)
ENGINE = Null
COMMENT 'What a record says, and what is wrong with it: parsed once, for both ways out.';

CREATE MATERIALIZED VIEW view_store TO view_event AS
SELECT
  parsed.event_id AS event_id,
  fromUnixTimestamp64Milli(parsed.event_time, 'UTC') AS event_time,
  CAST(parsed.schema_version, 'UInt16') AS schema_version,
  parsed.platform AS platform,
  parsed.room_id AS room_id,
  parsed.stream_id AS stream_id,
  parsed.user_id AS user_id,
  parsed.action AS action,
  parsed.source AS source,
  if(parsed.stream_id = '', concat('day:', toString(toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}'))), parsed.stream_id) AS broadcast_id,
  toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}') AS day,
  toUnixTimestamp64Milli(received_at) - parsed.event_time > ${lateness_ms} AS is_late,
  _topic, _partition, _offset, received_at
FROM view_parsed AS parsed
WHERE problem.reason = '';

CREATE MATERIALIZED VIEW view_reject TO dead_letter AS
SELECT problem.reason AS reason, problem.field AS field, raw, _topic, _partition, _offset, received_at
FROM view_parsed
WHERE problem.reason != '';

CREATE TABLE view_queue (raw String)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'view',
  kafka_group_name = '${readers}-view',
  kafka_format = 'RawBLOB',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${event_flush_ms},
  kafka_poll_timeout_ms = ${event_poll_ms},
  kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW view_parse TO view_parsed AS
WITH
  JSONExtract(raw, 'Tuple(event_id Nullable(String), event_time Nullable(Int64), schema_version Nullable(Int64), platform Nullable(String), room_id Nullable(String), stream_id Nullable(String), user_id Nullable(String), action Nullable(String), source Nullable(String))') AS fields,
  NOT startsWith(raw, '\xEF\xBB\xBF')
  AND ifNull(lengthUTF8(fields.event_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.event_id) OR JSONType(raw, 'event_id') = 'String'), 0)
  AND ifNull(JSONType(raw, 'event_time') = 'Int64' AND fields.event_time BETWEEN 0 AND 4102444799999, 0)
  AND ifNull(JSONType(raw, 'schema_version') = 'Int64' AND fields.schema_version BETWEEN 1 AND 32767, 0)
  AND ifNull(lengthUTF8(fields.platform) BETWEEN 1 AND 32 AND (NOT isValidJSON(fields.platform) OR JSONType(raw, 'platform') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.room_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.room_id) OR JSONType(raw, 'room_id') = 'String'), 0)
  AND (fields.stream_id IS NULL OR ifNull(lengthUTF8(fields.stream_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.stream_id) OR JSONType(raw, 'stream_id') = 'String'), 0))
  AND ifNull(lengthUTF8(fields.user_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.user_id) OR JSONType(raw, 'user_id') = 'String'), 0)
  AND ifNull(fields.action IN ('enter', 'heartbeat', 'leave') AND (NOT isValidJSON(fields.action) OR JSONType(raw, 'action') = 'String'), 0)
  AND ifNull(fields.source IN ('community', 'follow', 'feed', 'search', 'paid', 'share', 'other') AND (NOT isValidJSON(fields.source) OR JSONType(raw, 'source') = 'String'), 0) AS fields_valid,
  toUnixTimestamp64Milli(assumeNotNull(_timestamp_ms)) AS received_ms
SELECT
  assumeNotNull(ifNull(fields.event_id, '')) AS event_id,
  assumeNotNull(ifNull(fields.event_time, 0)) AS event_time,
  assumeNotNull(ifNull(fields.schema_version, 0)) AS schema_version,
  assumeNotNull(ifNull(fields.platform, '')) AS platform,
  assumeNotNull(ifNull(fields.room_id, '')) AS room_id,
  assumeNotNull(ifNull(fields.stream_id, '')) AS stream_id,
  assumeNotNull(ifNull(fields.user_id, '')) AS user_id,
  assumeNotNull(ifNull(fields.action, '')) AS action,
  assumeNotNull(ifNull(fields.source, '')) AS source,
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
  ifNull(JSONType(raw, 'action') = 'Null', 0), ('missing_field', 'action'),
  ifNull(JSONType(raw, 'action') NOT IN ('Null', 'String'), 0), ('wrong_type', 'action'),
  ifNull(fields.action NOT IN ('enter', 'heartbeat', 'leave'), 0), ('unknown_value', 'action'),
  ifNull(JSONType(raw, 'source') = 'Null', 0), ('missing_field', 'source'),
  ifNull(JSONType(raw, 'source') NOT IN ('Null', 'String'), 0), ('wrong_type', 'source'),
  ifNull(fields.source NOT IN ('community', 'follow', 'feed', 'search', 'paid', 'share', 'other'), 0), ('unknown_value', 'source'),
  ('malformed_json', '')
  ) AS problem,
  raw, _topic, toUInt32(queue._partition) AS _partition, _offset, assumeNotNull(_timestamp_ms) AS received_at
FROM view_queue AS queue;

CREATE VIEW view_counted AS
SELECT * FROM view_event FINAL
WHERE NOT is_late;
