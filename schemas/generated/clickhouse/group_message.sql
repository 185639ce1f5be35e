DROP TABLE IF EXISTS group_message_queue;

DROP VIEW IF EXISTS group_message_parse;

DROP VIEW IF EXISTS group_message_store;

DROP VIEW IF EXISTS group_message_reject;

DROP VIEW IF EXISTS group_message_counted;

DROP TABLE IF EXISTS group_message_parsed;

CREATE TABLE group_message_parsed
(
  event_id String,
  event_time Int64,
  schema_version Int64,
  platform String,
  room_id String,
  stream_id String,
  user_id String,
  group_id String,
  text String,
  role String,
  age_group String,
  problem Tuple(reason LowCardinality(String), field LowCardinality(String)),
  raw String,
  _topic LowCardinality(String),
  _partition UInt32,
  _offset UInt64,
  received_at DateTime64(3, 'UTC')
)
ENGINE = Null
COMMENT 'What a record says, and what is wrong with it: parsed once, for both ways out.';

CREATE MATERIALIZED VIEW group_message_store TO group_message_event AS
SELECT
  parsed.event_id AS event_id,
  fromUnixTimestamp64Milli(parsed.event_time, 'UTC') AS event_time,
  CAST(parsed.schema_version, 'UInt16') AS schema_version,
  parsed.platform AS platform,
  parsed.room_id AS room_id,
  parsed.stream_id AS stream_id,
  parsed.user_id AS user_id,
  parsed.group_id AS group_id,
  if(parsed.age_group = 'under_14', '', parsed.text) AS text,
  parsed.role AS role,
  parsed.age_group AS age_group,
  if(parsed.stream_id = '', concat('day:', toString(toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}'))), parsed.stream_id) AS broadcast_id,
  toDate(fromUnixTimestamp64Milli(parsed.event_time, 'UTC'), '${time_zone}') AS day,
  toUnixTimestamp64Milli(received_at) - parsed.event_time > ${lateness_ms} AS is_late,
  _topic, _partition, _offset, received_at
FROM group_message_parsed AS parsed
WHERE problem.reason = '';

CREATE MATERIALIZED VIEW group_message_reject TO dead_letter AS
SELECT problem.reason AS reason, problem.field AS field, raw, _topic, _partition, _offset, received_at
FROM group_message_parsed
WHERE problem.reason != '';

CREATE TABLE group_message_queue (raw String)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '${kafka}',
  kafka_topic_list = 'group_message',
  kafka_group_name = '${readers}-group_message',
  kafka_format = 'RawBLOB',
  kafka_num_consumers = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = ${event_flush_ms},
  kafka_poll_timeout_ms = ${event_poll_ms},
  kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW group_message_parse TO group_message_parsed AS
WITH
  JSONExtract(raw, 'Tuple(event_id Nullable(String), event_time Nullable(Int64), schema_version Nullable(Int64), platform Nullable(String), room_id Nullable(String), stream_id Nullable(String), user_id Nullable(String), group_id Nullable(String), text Nullable(String), role Nullable(String), age_group Nullable(String))') AS fields,
  NOT startsWith(raw, '\xEF\xBB\xBF')
  AND ifNull(lengthUTF8(fields.event_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.event_id) OR JSONType(raw, 'event_id') = 'String'), 0)
  AND ifNull(JSONType(raw, 'event_time') = 'Int64' AND fields.event_time BETWEEN 0 AND 4102444799999, 0)
  AND ifNull(JSONType(raw, 'schema_version') = 'Int64' AND fields.schema_version BETWEEN 1 AND 32767, 0)
  AND ifNull(lengthUTF8(fields.platform) BETWEEN 1 AND 32 AND (NOT isValidJSON(fields.platform) OR JSONType(raw, 'platform') = 'String'), 0)
  AND (fields.room_id IS NULL OR ifNull(lengthUTF8(fields.room_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.room_id) OR JSONType(raw, 'room_id') = 'String'), 0))
  AND (fields.stream_id IS NULL OR ifNull(lengthUTF8(fields.stream_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.stream_id) OR JSONType(raw, 'stream_id') = 'String'), 0))
  AND ifNull(lengthUTF8(fields.user_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.user_id) OR JSONType(raw, 'user_id') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.group_id) BETWEEN 1 AND 64 AND (NOT isValidJSON(fields.group_id) OR JSONType(raw, 'group_id') = 'String'), 0)
  AND ifNull(lengthUTF8(fields.text) <= 2000 AND (NOT isValidJSON(fields.text) OR JSONType(raw, 'text') = 'String'), 0)
  AND ifNull(fields.role IN ('member', 'staff') AND (NOT isValidJSON(fields.role) OR JSONType(raw, 'role') = 'String'), 0)
  AND (fields.age_group IS NULL OR ifNull(fields.age_group IN ('under_14', '14_17', 'adult') AND (NOT isValidJSON(fields.age_group) OR JSONType(raw, 'age_group') = 'String'), 0)) AS fields_valid,
  toUnixTimestamp64Milli(assumeNotNull(_timestamp_ms)) AS received_ms
SELECT
  assumeNotNull(ifNull(fields.event_id, '')) AS event_id,
  assumeNotNull(ifNull(fields.event_time, 0)) AS event_time,
  assumeNotNull(ifNull(fields.schema_version, 0)) AS schema_version,
  assumeNotNull(ifNull(fields.platform, '')) AS platform,
  assumeNotNull(ifNull(fields.room_id, '')) AS room_id,
  assumeNotNull(ifNull(fields.stream_id, '')) AS stream_id,
  assumeNotNull(ifNull(fields.user_id, '')) AS user_id,
  assumeNotNull(ifNull(fields.group_id, '')) AS group_id,
  assumeNotNull(ifNull(fields.text, '')) AS text,
  assumeNotNull(ifNull(fields.role, '')) AS role,
  assumeNotNull(ifNull(fields.age_group, '')) AS age_group,
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
  ifNull(JSONType(raw, 'group_id') = 'Null', 0), ('missing_field', 'group_id'),
  ifNull(JSONType(raw, 'group_id') NOT IN ('Null', 'String'), 0), ('wrong_type', 'group_id'),
  ifNull(lengthUTF8(fields.group_id) < 1, 0), ('too_short', 'group_id'),
  ifNull(lengthUTF8(fields.group_id) > 64, 0), ('too_long', 'group_id'),
  ifNull(JSONType(raw, 'text') = 'Null', 0), ('missing_field', 'text'),
  ifNull(JSONType(raw, 'text') NOT IN ('Null', 'String'), 0), ('wrong_type', 'text'),
  ifNull(lengthUTF8(fields.text) > 2000, 0), ('too_long', 'text'),
  ifNull(JSONType(raw, 'role') = 'Null', 0), ('missing_field', 'role'),
  ifNull(JSONType(raw, 'role') NOT IN ('Null', 'String'), 0), ('wrong_type', 'role'),
  ifNull(fields.role NOT IN ('member', 'staff'), 0), ('unknown_value', 'role'),
  ifNull(JSONType(raw, 'age_group') NOT IN ('Null', 'String'), 0), ('wrong_type', 'age_group'),
  ifNull(fields.age_group NOT IN ('under_14', '14_17', 'adult'), 0), ('unknown_value', 'age_group'),
  ('malformed_json', '')
  ) AS problem,
  raw, _topic, toUInt32(queue._partition) AS _partition, _offset, assumeNotNull(_timestamp_ms) AS received_at
FROM group_message_queue AS queue;

CREATE VIEW group_message_counted AS
SELECT * FROM group_message_event FINAL
WHERE NOT is_late
ORDER BY _partition, _offset
LIMIT 1 BY event_id;
