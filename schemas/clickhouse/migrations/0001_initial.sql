CREATE TABLE IF NOT EXISTS comment_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'The room; lasts over broadcasts.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  text String COMMENT 'What was written; at most 500 Unicode code points.',
  reply_to String COMMENT '`event_id` of the comment that this one answers.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (room_id, event_time, _partition, _offset)
COMMENT 'A person wrote in a room\'s comment stream (danmaku).';

CREATE TABLE IF NOT EXISTS group_message_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'Room that the group belongs to, where known.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  group_id String COMMENT 'The chat group.',
  text String COMMENT 'What was written; at most 2,000 Unicode code points.',
  role LowCardinality(String) COMMENT 'Who wrote: a member, or the host\'s staff.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (group_id, event_time, _partition, _offset)
COMMENT 'A message in a chat group that a host keeps between broadcasts.';

CREATE TABLE IF NOT EXISTS like_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'The room; lasts over broadcasts.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  count UInt16 COMMENT 'Taps in this batch.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (room_id, event_time, _partition, _offset)
COMMENT 'A person tapped the heart; clients send taps in batches.';

CREATE TABLE IF NOT EXISTS order_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'The room; lasts over broadcasts.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  order_id String COMMENT 'The order; the same over all its statuses.',
  product_id String COMMENT 'What was bought.',
  quantity UInt32 COMMENT 'Units bought (refunded: units given back).',
  amount UInt64 COMMENT 'Money in minor units: what the order costs, or for `refunded` what this refund gives back.',
  currency LowCardinality(String) COMMENT 'ISO 4217 code.',
  status LowCardinality(String) COMMENT 'What happened; an order may be refunded in several parts, each with its own `event_id`.',
  source LowCardinality(String) COMMENT 'How the buyer came to the room, where known.',
  promotion_id String COMMENT 'Promotion that the price belongs to, where there was one.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (room_id, event_time, _partition, _offset)
COMMENT 'An order changed its status. Money is an integer in the currency\'s minor unit.';

CREATE TABLE IF NOT EXISTS product_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'The room; lasts over broadcasts.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  action LowCardinality(String) COMMENT 'What the person did with the card.',
  product_id String COMMENT 'The product.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (room_id, event_time, _partition, _offset)
COMMENT 'A product card was shown to a person, clicked, or put in the cart.';

CREATE TABLE IF NOT EXISTS view_event
(
  event_id String COMMENT 'Unique for one fact; a redelivery carries the same id.',
  event_time DateTime64(3, 'UTC') COMMENT 'When it happened at its source, ms since the epoch, UTC.',
  schema_version UInt16 COMMENT 'Version of this event\'s schema that the producer wrote.',
  platform LowCardinality(String) COMMENT 'Where the room lives, for example the app\'s name.',
  room_id String COMMENT 'The room; lasts over broadcasts.',
  stream_id String COMMENT 'One broadcast. When absent, the event belongs to the room\'s day in the configured time zone.',
  user_id String COMMENT 'Pseudonymous person; the same in every topic of a platform.',
  action LowCardinality(String) COMMENT 'A `leave` may be missing: clients die.',
  source LowCardinality(String) COMMENT 'How the person came to the room, repeated on every event of the visit.',
  broadcast_id String COMMENT '`stream_id`, or `day:` and the day where it is absent.',
  day Date COMMENT 'Day of the event in the configured time zone.',
  is_late Bool COMMENT 'Received later than the allowed lateness after its event time: in no counter.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (room_id, event_time, _partition, _offset)
COMMENT 'A person is watching: enters, is still there (every 10 s), leaves.';

CREATE TABLE IF NOT EXISTS dead_letter
(
  reason LowCardinality(String) COMMENT 'What is wrong, for example wrong_type.',
  field LowCardinality(String) COMMENT 'The first field that is wrong; empty when it is the whole record.',
  raw String COMMENT 'The record\'s value, byte by byte.',
  _topic LowCardinality(String) COMMENT 'Kafka topic of the record.',
  _partition UInt32 COMMENT 'Partition of the record.',
  _offset UInt64 COMMENT 'Offset of the record in its partition.',
  received_at DateTime64(3, 'UTC') COMMENT 'The record\'s Kafka timestamp.',
  inserted_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (_topic, _partition, _offset)
COMMENT 'Records that are no valid event, with the reason and the original bytes.';

CREATE TABLE IF NOT EXISTS verify_result
(
  checked_at DateTime64(3, 'UTC') COMMENT 'When the check began.',
  subject LowCardinality(String) COMMENT 'Topic or table that was checked.',
  promise LowCardinality(String) COMMENT 'records (nothing is lost) or counters (as recomputed).',
  compared UInt64 COMMENT 'Records or rows compared.',
  left_out UInt64 COMMENT 'Rows that were still filling.',
  lost UInt64 COMMENT 'Records in Kafka but nowhere in storage, or rows that should exist.',
  extra UInt64 COMMENT 'Records stored in two places, or rows that should not exist.',
  wrong UInt64 COMMENT 'Rows with a counter that differs.',
  seconds Float64 COMMENT 'How long the check took.'
)
ENGINE = MergeTree
ORDER BY (checked_at, subject)
COMMENT 'What verify found, a row a check.';

CREATE TABLE IF NOT EXISTS room_10s_counters
(
  room_id String,
  window_start DateTime('UTC'),
  exposed_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who were shown a product. [conversion]',
  click_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who clicked a product. [conversion]',
  cart_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who put a product in the cart. [conversion]',
  paying_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who paid an order. [conversion]',
  orders_created SimpleAggregateFunction(max, UInt64) COMMENT 'Orders created. [conversion]',
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  orders_cancelled SimpleAggregateFunction(max, UInt64) COMMENT 'Orders cancelled. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  orders_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct orders with a refund in the window. [conversion]',
  viewers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who entered or sent a heartbeat; in 10 s this is concurrency. [dwell]',
  viewer_slots SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users and slots of 10 s in which they were there. [dwell]',
  comments SimpleAggregateFunction(max, UInt64) COMMENT 'Comments, counted one by one. [interaction]',
  likes SimpleAggregateFunction(max, UInt64) COMMENT 'Taps on the heart: the sum of `count`, one by one. [interaction]',
  group_messages SimpleAggregateFunction(max, UInt64) COMMENT 'Messages of chat groups that name the room. [interaction]',
  commenters SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented. [interaction]',
  likers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who liked. [interaction]',
  interacting_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented or liked. [interaction]',
  active_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented, liked, wrote in a group of the room, or ordered: the inferred viewers. [interaction]',
  repeat_orders SimpleAggregateFunction(max, UInt64) COMMENT 'Paid orders of users who have an earlier paid order in the room. [repurchase]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(window_start)
ORDER BY (room_id, window_start)
COMMENT 'A room in 10 seconds. Counters that only grow; read `room_10s`.';

CREATE TABLE IF NOT EXISTS room_1m_counters
(
  room_id String,
  window_start DateTime('UTC'),
  exposed_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who were shown a product. [conversion]',
  click_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who clicked a product. [conversion]',
  cart_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who put a product in the cart. [conversion]',
  paying_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who paid an order. [conversion]',
  orders_created SimpleAggregateFunction(max, UInt64) COMMENT 'Orders created. [conversion]',
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  orders_cancelled SimpleAggregateFunction(max, UInt64) COMMENT 'Orders cancelled. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  orders_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct orders with a refund in the window. [conversion]',
  viewers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who entered or sent a heartbeat; in 10 s this is concurrency. [dwell]',
  viewer_slots SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users and slots of 10 s in which they were there. [dwell]',
  comments SimpleAggregateFunction(max, UInt64) COMMENT 'Comments, counted one by one. [interaction]',
  likes SimpleAggregateFunction(max, UInt64) COMMENT 'Taps on the heart: the sum of `count`, one by one. [interaction]',
  group_messages SimpleAggregateFunction(max, UInt64) COMMENT 'Messages of chat groups that name the room. [interaction]',
  commenters SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented. [interaction]',
  likers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who liked. [interaction]',
  interacting_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented or liked. [interaction]',
  active_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented, liked, wrote in a group of the room, or ordered: the inferred viewers. [interaction]',
  repeat_orders SimpleAggregateFunction(max, UInt64) COMMENT 'Paid orders of users who have an earlier paid order in the room. [repurchase]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (room_id, window_start)
COMMENT 'A room in one minute. Counters that only grow; read `room_1m`.';

CREATE TABLE IF NOT EXISTS broadcast_counters
(
  room_id String,
  broadcast_id String,
  exposed_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who were shown a product. [conversion]',
  click_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who clicked a product. [conversion]',
  cart_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who put a product in the cart. [conversion]',
  paying_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who paid an order. [conversion]',
  orders_created SimpleAggregateFunction(max, UInt64) COMMENT 'Orders created. [conversion]',
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  orders_cancelled SimpleAggregateFunction(max, UInt64) COMMENT 'Orders cancelled. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  orders_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct orders with a refund in the window. [conversion]',
  viewers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who entered or sent a heartbeat; in 10 s this is concurrency. [dwell]',
  viewers_community SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came from the chat community. [dwell]',
  viewers_follow SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came because they follow the host. [dwell]',
  viewers_feed SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came from a feed. [dwell]',
  viewers_search SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came from a search. [dwell]',
  viewers_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came from an advertisement. [dwell]',
  viewers_share SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came by a shared link. [dwell]',
  viewers_other SimpleAggregateFunction(max, UInt64) COMMENT 'Viewers who came another way. [dwell]',
  first_view_at SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC'))) COMMENT 'Earliest event time of a viewer\'s presence. [dwell]',
  last_view_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Latest event time of a viewer\'s presence. [dwell]',
  comments SimpleAggregateFunction(max, UInt64) COMMENT 'Comments, counted one by one. [interaction]',
  likes SimpleAggregateFunction(max, UInt64) COMMENT 'Taps on the heart: the sum of `count`, one by one. [interaction]',
  group_messages SimpleAggregateFunction(max, UInt64) COMMENT 'Messages of chat groups that name the room. [interaction]',
  commenters SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented. [interaction]',
  likers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who liked. [interaction]',
  interacting_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented or liked. [interaction]',
  active_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented, liked, wrote in a group of the room, or ordered: the inferred viewers. [interaction]',
  first_activity_at SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC'))) COMMENT 'Earliest event time of an activity. [interaction]',
  last_activity_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Latest event time of an activity. [interaction]',
  repeat_orders SimpleAggregateFunction(max, UInt64) COMMENT 'Paid orders of users who have an earlier paid order in the room. [repurchase]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
ORDER BY (room_id, broadcast_id)
COMMENT 'One broadcast of a room, or a room\'s day where events name no broadcast. Counters that only grow; read `broadcast`.';

CREATE TABLE IF NOT EXISTS broadcast_10s_counters
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  viewers SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who entered or sent a heartbeat; in 10 s this is concurrency. [dwell]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (room_id, broadcast_id, window_start)
COMMENT 'One broadcast in 10 seconds. Counters that only grow; read `broadcast_10s`.';

CREATE TABLE IF NOT EXISTS broadcast_1m_counters
(
  room_id String,
  broadcast_id String,
  window_start DateTime('UTC'),
  active_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who commented, liked, wrote in a group of the room, or ordered: the inferred viewers. [interaction]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (room_id, broadcast_id, window_start)
COMMENT 'One broadcast in one minute. Counters that only grow; read `broadcast_1m`.';

CREATE TABLE IF NOT EXISTS room_sales_10s_counters
(
  room_id String,
  currency LowCardinality(String),
  window_start DateTime('UTC'),
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  units_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Units in paid orders. [conversion]',
  gmv_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Money of paid orders, in minor units. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  gmv_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Money given back, in minor units, by the time of the refund. [conversion]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(window_start)
ORDER BY (room_id, currency, window_start)
COMMENT 'A room\'s sales in 10 seconds, by currency. Counters that only grow; read `room_sales_10s`.';

CREATE TABLE IF NOT EXISTS room_sales_1m_counters
(
  room_id String,
  currency LowCardinality(String),
  window_start DateTime('UTC'),
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  units_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Units in paid orders. [conversion]',
  gmv_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Money of paid orders, in minor units. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  gmv_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Money given back, in minor units, by the time of the refund. [conversion]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (room_id, currency, window_start)
COMMENT 'A room\'s sales in one minute, by currency. Counters that only grow; read `room_sales_1m`.';

CREATE TABLE IF NOT EXISTS broadcast_product_counters
(
  room_id String,
  broadcast_id String,
  product_id String,
  exposed_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who were shown a product. [conversion]',
  click_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who clicked a product. [conversion]',
  cart_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who put a product in the cart. [conversion]',
  paying_users SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct users who paid an order. [conversion]',
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
ORDER BY (room_id, broadcast_id, product_id)
COMMENT 'A product in one broadcast. Counters that only grow; read `broadcast_product`.';

CREATE TABLE IF NOT EXISTS broadcast_product_sales_counters
(
  room_id String,
  broadcast_id String,
  product_id String,
  currency LowCardinality(String),
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders paid, once for each order. [conversion]',
  units_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Units in paid orders. [conversion]',
  gmv_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Money of paid orders, in minor units. [conversion]',
  refunds SimpleAggregateFunction(max, UInt64) COMMENT 'Refunds; an order may have several. [conversion]',
  gmv_refunded SimpleAggregateFunction(max, UInt64) COMMENT 'Money given back, in minor units, by the time of the refund. [conversion]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
ORDER BY (room_id, broadcast_id, product_id, currency)
COMMENT 'A product\'s sales in one broadcast, by currency. Counters that only grow; read `broadcast_product_sales`.';

CREATE TABLE IF NOT EXISTS group_1m_counters
(
  group_id String,
  window_start DateTime('UTC'),
  messages SimpleAggregateFunction(max, UInt64) COMMENT 'Messages in the group, one by one. [interaction]',
  staff_messages SimpleAggregateFunction(max, UInt64) COMMENT 'Messages that the host\'s staff wrote. [interaction]',
  members SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct members who wrote. [interaction]',
  staff SimpleAggregateFunction(max, UInt64) COMMENT 'Distinct staff who wrote. [interaction]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (group_id, window_start)
COMMENT 'A chat group in one minute. Counters that only grow; read `group_1m`.';

CREATE TABLE IF NOT EXISTS buyer_day_counters
(
  room_id String,
  user_id String,
  day Date,
  orders_paid SimpleAggregateFunction(max, UInt64) COMMENT 'Orders that the buyer paid that day. [repurchase]',
  first_paid_at SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC'))) COMMENT 'Event time of the day\'s first paid order. [repurchase]',
  last_paid_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Event time of the day\'s last paid order. [repurchase]',
  last_record_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Newest Kafka timestamp of a record that the row has counted.'
)
ENGINE = AggregatingMergeTree
ORDER BY (room_id, user_id, day)
COMMENT 'A buyer\'s day in a room, in the configured time zone. Counters that only grow; read `buyer_day`.';
