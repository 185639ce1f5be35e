-- What `reads` puts into ClickHouse for one day, the day ${day} before today. No row depends on chance: a number that looks like
-- one is a hash of what the row is about.
--
-- ${rooms} rooms, each with ${broadcasts} broadcasts a day of ${slots} slots of 10 s. Rooms of higher numbers have fewer viewers, on
-- average over all rooms ${viewers}. A seat is taken for 90 slots (15 minutes), by one person after the other out of 40 times as many
-- as the room has seats, so people come back. Everything below follows from the first statement, so that tables agree.

CREATE FUNCTION IF NOT EXISTS sitting AS (seed, seats, slot, seat) ->
  (seed % 1000000007 + intDiv(slot + seat * 37 % 90, 90) * seats + seat) % (40 * seats);

-- As long as a pseudonym is, and as hard to compress.
CREATE FUNCTION IF NOT EXISTS person AS (room, number) -> base64URLEncode(concat(sipHash128(room, number), sipHash128(number, room)));

-- Every 10 s of every broadcast. Each product is pinned for 18 slots, one of 30 after the other.
CREATE OR REPLACE TEMPORARY TABLE slot ENGINE = Memory AS
SELECT
  room, room_id, broadcast_id, began, seed, seats, slot,
  toDateTime(began + 10 * slot, 'UTC') AS window_start,
  cityHash64(seed, slot) AS chance,
  chance % 1000 / 1000 AS luck,
  intDiv(chance, 1000) % 1000 / 1000 AS mood,
  toUInt64(1 + size * sin(pi() * (0.05 + 0.9 * slot / ${slots})) * (0.95 + intDiv(chance, 1000000) % 1000 / 10000)) AS viewers,
  concat(room_id, '-product-', toString(intDiv(slot, 18) % 30)) AS product_id,
  multiIf(room % 10 = 9, 'JPY', chance % 7 = 0, 'USD', 'CNY') AS currency,
  1990 + intDiv(chance, 7) % 30000 AS price,
  toUInt64(viewers * if(slot % 18 = 0, 0.9, 0.01) + mood) AS exposed_users,
  toUInt64(viewers * 0.004 + mood) AS click_users,
  toUInt64(viewers * 0.0015 + mood) AS cart_users,
  toUInt64(viewers * 0.0008 + luck) AS orders_created,
  toUInt64(viewers * 0.0006 + luck) AS orders_paid,
  toUInt64(viewers * 0.0001 + luck) AS orders_cancelled,
  toUInt64(viewers * 0.00003 + luck) AS refunds,
  toUInt64(orders_paid * 0.35 + mood) AS repeat_orders,
  toUInt64(viewers * 0.05 + mood) AS comments,
  toUInt64(viewers * 0.08 + mood) AS likers,
  likers * ${taps} AS likes,
  toUInt64(viewers * 0.002 + mood) AS group_messages
FROM (
  SELECT
    intDiv(number, ${broadcasts}) AS room,
    ${day} * ${broadcasts} + number % ${broadcasts} AS broadcasts_ago,
    concat('room-', leftPad(toString(room + 1), 3, '0')) AS room_id,
    cityHash64(room, broadcasts_ago) AS seed,
    ${anchor} - 3600 - cityHash64(room_id) % 360 * 10 - broadcasts_ago * intDiv(8640, ${broadcasts}) * 10 AS began,
    concat(room_id, '-', formatDateTime(toDateTime(began, 'UTC'), '%Y%m%d%H%i%S')) AS broadcast_id,
    ${viewers} * (0.2 + 1.6 * (${rooms} - 0.5 - room) / ${rooms}) AS usual,
    toUInt64(ceil(2 * usual)) AS seats,
    -- 0.7 is the mean of the curve by which a broadcast fills and empties.
    usual * (0.8 + seed % 400 / 1000) / 0.7 AS size
  FROM numbers(${rooms} * ${broadcasts})
)
ARRAY JOIN range(${slots}) AS slot
WHERE window_start < toDateTime(${until});

INSERT INTO room_10s_counters (
  room_id, window_start, exposed_users, click_users, cart_users, paying_users, orders_created, orders_paid, orders_cancelled, refunds,
  orders_refunded, viewers, viewer_slots, comments, likes, group_messages, commenters, likers, interacting_users, active_users,
  repeat_orders, last_record_at
)
SELECT
  room_id, window_start, exposed_users, click_users, cart_users, orders_paid, orders_created, orders_paid, orders_cancelled, refunds,
  refunds, viewers, viewers, comments, likes, group_messages, comments, likers, comments + likers, comments + likers + orders_created,
  repeat_orders, window_start + 10
FROM slot;

-- In a minute another six of 90 seats have changed hands; of everything else each is another person.
INSERT INTO room_1m_counters (
  room_id, window_start, exposed_users, click_users, cart_users, paying_users, orders_created, orders_paid, orders_cancelled, refunds,
  orders_refunded, viewers, viewer_slots, comments, likes, group_messages, commenters, likers, interacting_users, active_users,
  repeat_orders, last_record_at
)
SELECT
  room_id, toStartOfMinute(s.window_start) AS minute, sum(exposed_users), sum(click_users), sum(cart_users), sum(orders_paid),
  sum(orders_created), sum(orders_paid), sum(orders_cancelled), sum(refunds), sum(refunds), max(viewers) + intDiv(max(viewers) * 6, 90),
  sum(viewers), sum(comments), sum(likes), sum(group_messages), sum(comments), sum(likers), sum(comments + likers),
  sum(comments + likers + orders_created), sum(repeat_orders), max(s.window_start) + 10
FROM slot AS s
GROUP BY room_id, minute;

INSERT INTO broadcast_10s_counters (room_id, broadcast_id, window_start, viewers, last_record_at)
SELECT room_id, broadcast_id, window_start, viewers, window_start + 10 FROM slot;

INSERT INTO broadcast_concurrency_1m_counters (room_id, broadcast_id, window_start, viewer_slots, peak_concurrency, last_record_at)
SELECT room_id, broadcast_id, toStartOfMinute(s.window_start) AS minute, sum(viewers), max(viewers), max(s.window_start) + 10
FROM slot AS s
GROUP BY room_id, broadcast_id, minute;

INSERT INTO broadcast_1m_counters (room_id, broadcast_id, window_start, active_users, last_record_at)
SELECT room_id, broadcast_id, toStartOfMinute(s.window_start) AS minute, sum(comments + likers + orders_created), max(s.window_start) + 10
FROM slot AS s
GROUP BY room_id, broadcast_id, minute;

INSERT INTO broadcast_counters (
  room_id, broadcast_id, exposed_users, click_users, cart_users, paying_users, orders_created, orders_paid, orders_cancelled, refunds,
  orders_refunded, viewers, viewers_community, viewers_follow, viewers_feed, viewers_search, viewers_paid, viewers_share, viewers_other,
  first_view_at, last_view_at, comments, likes, group_messages, commenters, likers, interacting_users, active_users, first_activity_at,
  last_activity_at, repeat_orders, last_record_at
)
WITH
  max(viewers) + intDiv(sum(viewers), 90) AS people, intDiv(sum(comments), 10) AS writers, intDiv(sum(likers), 15) AS tappers,
  toUInt64(ceil(sum(orders_paid) * 0.9)) AS payers
SELECT
  room_id, broadcast_id, toUInt64(people * 0.95), intDiv(sum(click_users), 2), intDiv(sum(cart_users), 2), payers, sum(orders_created),
  sum(orders_paid), sum(orders_cancelled), sum(refunds), sum(refunds), people, toUInt64(people * 0.2), toUInt64(people * 0.25),
  toUInt64(people * 0.3), toUInt64(people * 0.1), toUInt64(people * 0.08), toUInt64(people * 0.05), toUInt64(people * 0.02),
  min(window_start), max(window_start) + 9, sum(comments), sum(likes), sum(group_messages), writers, tappers, writers + tappers,
  writers + tappers + payers, min(window_start) + 1, max(window_start) + 8, sum(repeat_orders), max(window_start) + 10
FROM slot
GROUP BY room_id, broadcast_id;

INSERT INTO broadcast_product_counters (
  room_id, broadcast_id, product_id, exposed_users, click_users, cart_users, paying_users, orders_paid, last_record_at
)
SELECT
  room_id, broadcast_id, product_id, sum(exposed_users), sum(click_users), sum(cart_users), sum(orders_paid), sum(orders_paid),
  max(window_start) + 10
FROM slot
GROUP BY room_id, broadcast_id, product_id;

INSERT INTO broadcast_product_sales_counters (
  room_id, broadcast_id, product_id, currency, orders_paid, units_paid, gmv_paid, refunds, gmv_refunded, last_record_at
)
SELECT
  room_id, broadcast_id, product_id, currency, sum(orders_paid), sum(orders_paid), sum(orders_paid * price), sum(refunds),
  sum(refunds * price), max(window_start) + 10
FROM slot
WHERE orders_paid > 0
GROUP BY room_id, broadcast_id, product_id, currency;

INSERT INTO room_sales_10s_counters (
  room_id, currency, window_start, orders_paid, units_paid, gmv_paid, refunds, gmv_refunded, last_record_at
)
SELECT room_id, currency, window_start, orders_paid, orders_paid, orders_paid * price, refunds, refunds * price, window_start + 10
FROM slot
WHERE orders_paid > 0;

INSERT INTO room_sales_1m_counters (
  room_id, currency, window_start, orders_paid, units_paid, gmv_paid, refunds, gmv_refunded, last_record_at
)
SELECT
  room_id, currency, toStartOfMinute(s.window_start) AS minute, sum(orders_paid), sum(orders_paid), sum(orders_paid * price),
  sum(refunds), sum(refunds * price), max(s.window_start) + 10
FROM slot AS s
WHERE orders_paid > 0
GROUP BY room_id, currency, minute;

INSERT INTO buyer_day_counters (room_id, user_id, day, orders_paid, first_paid_at, last_paid_at, last_record_at)
SELECT
  room_id, person(room, sitting(seed, seats, slot, cityHash64(chance, n) % viewers)) AS user_id, toDate(window_start, '${time_zone}') AS day,
  count(), min(window_start), max(window_start), max(window_start) + 10
FROM slot
ARRAY JOIN range(orders_paid) AS n
GROUP BY room_id, user_id, day;

-- Four groups a room, in which somebody writes in every third minute, by day and by night.
CREATE OR REPLACE TEMPORARY TABLE chat ENGINE = Memory AS
SELECT
  number % (${rooms} * 4) AS place,
  concat('room-', leftPad(toString(intDiv(place, 4) + 1), 3, '0')) AS room_id,
  concat('group-', toString(place)) AS group_id,
  toStartOfMinute(toDateTime(${last} - intDiv(number, ${rooms} * 4) * 60, 'UTC')) AS window_start,
  cityHash64(place, window_start) AS chance,
  1 + intDiv(chance, 3) % 6 AS messages,
  toUInt64(messages > 4) AS staff_messages
FROM numbers(${rooms} * 4 * 1440)
WHERE chance % 3 = 0;

INSERT INTO group_1m_counters (group_id, window_start, messages, staff_messages, members, staff, last_record_at)
SELECT group_id, window_start, messages, staff_messages, messages - staff_messages, staff_messages, window_start + 60 FROM chat;

-- What verify says of 24 topics and tables, and the freshness of each job, every minute.
INSERT INTO verify_result (checked_at, subject, promise, compared, left_out, lost, extra, wrong, seconds)
SELECT toDateTime(${last} - intDiv(number, 24) * 60), concat('table ', toString(number % 24)), 'counters', 100000, 100, 0, 0, 0, 1
FROM numbers(24 * 1440);

INSERT INTO freshness_result (inserted_at, job, p50, p99, maximum, events)
SELECT toDateTime(${last} - intDiv(number, 4) * 60), concat('job ', toString(number % 4)), 0.7, 1.8, 2.5, 100000
FROM numbers(4 * 1440);

INSERT INTO dead_letter (reason, field, raw, _topic, _partition, _offset, received_at)
SELECT 'wrong_type', 'event_time', repeat(hex(cityHash64(number)), 12), 'comment', 0, ${day} * 5760 + number, toDateTime(${last} - number * 15)
FROM numbers(5760);

-- What Flink reports every 10 s: of each of four jobs, of ten tasks with two parts each, and of the readers of three topics.
INSERT INTO flink_metric (inserted_at, process, job, task, operator, subtask, metric, value)
SELECT
  toDateTime(${last} - moment * 10), series.1, series.2, series.3, series.4, series.5, series.6,
  if(series.6 = 'lastCheckpointCompletedTimestamp', (${last} - moment * 10 - 20) * 1000., cityHash64(series, moment) % 1000)
FROM (SELECT number AS moment FROM numbers(8640)) AS moments
CROSS JOIN (
  SELECT arrayJoin(arrayConcat(
    arrayMap(metric -> ('jobmanager', job, '', '', -1, metric), [
      'numRestarts', 'uptime', 'numberOfCompletedCheckpoints', 'numberOfFailedCheckpoints', 'numberOfInProgressCheckpoints',
      'lastCheckpointDuration', 'lastCheckpointSize', 'lastCheckpointFullSize', 'lastCheckpointCompletedTimestamp'
    ]),
    arrayFlatten(arrayMap(n -> arrayMap(metric -> (
      'taskmanager 1', job, concat(job, ' task ', toString(intDiv(n, 2)), ' -> more'), '', n % 2, metric
    ), ['busyTimeMsPerSecond', 'backPressuredTimeMsPerSecond']), range(20))),
    arrayFlatten(arrayMap(n -> arrayMap(metric -> (
      'taskmanager 1', job, concat(job, ' task 0 -> more'), concat('Source: ', ['comment', 'like', 'order'][intDiv(n, 2) + 1], '_record'), n % 2,
      metric
    ), ['pendingRecords', 'numRecordsInPerSecond', 'numRecordsInErrors']), range(6))),
    arrayMap(metric -> ('taskmanager 1', '', '', '', -1, metric), [
      'Status.JVM.Memory.Heap.Used', 'Status.JVM.Memory.Heap.Max', 'Status.JVM.CPU.Load'
    ])
  )) AS series
  FROM (SELECT arrayJoin(['interaction', 'dwell', 'conversion', 'repurchase']) AS job)
) AS every;

-- Of each of twelve outputs, while somebody broadcasts: rows by 20 buckets of each stage in every 10 s.
INSERT INTO freshness_histogram (inserted_at, job, output, stage, bucket_ms, rows)
SELECT
  window_start, ['interaction', 'dwell', 'conversion', 'repurchase'][number % 4 + 1], concat('output_', toString(number % 12)),
  ['flink', 'storage', 'all'][intDiv(number, 12) % 3 + 1], toUInt32(exp2((56 + intDiv(number, 36)) / 8)), 1 + cityHash64(window_start, number) % 50
FROM (SELECT DISTINCT window_start FROM slot) AS moments
CROSS JOIN numbers(12 * 3 * 20) AS n;

-- The events themselves. Offsets are made from the time, so that they rise.
INSERT INTO view_event (
  event_id, event_time, schema_version, platform, room_id, stream_id, user_id, action, source, broadcast_id, day, is_late, _topic,
  _partition, _offset, received_at
)
SELECT
  hex(sipHash128('view', chance, seat)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), seat * 7919 % 10000) AS event_time, 1,
  'douyin', room_id, broadcast_id, person(room, sitting(seed, seats, slot, seat)),
  if((slot + seat * 37 % 90) % 90 = 0, 'enter', 'heartbeat'),
  ['community', 'follow', 'feed', 'search', 'paid', 'share', 'other'][1 + sitting(seed, seats, slot, seat) % 7],
  broadcast_id, toDate(event_time, '${time_zone}'), 0, 'view', room % 2, toUnixTimestamp(window_start) * 100000 + seat,
  addMilliseconds(event_time, 300)
FROM slot
ARRAY JOIN range(viewers) AS seat;

INSERT INTO comment_event (
  event_id, event_time, schema_version, platform, room_id, stream_id, user_id, text, broadcast_id, day, is_late, _topic, _partition,
  _offset, received_at
)
SELECT
  hex(sipHash128('comment', chance, n)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), n * 7919 % 10000) AS event_time, 1,
  'douyin', room_id, broadcast_id, person(room, sitting(seed, seats, slot, cityHash64('comment', chance, n) % viewers)),
  ['主播好漂亮', '这个多少钱', '已下单，什么时候发货？', '666', 'nice'][1 + cityHash64(chance, n) % 5],
  broadcast_id, toDate(event_time, '${time_zone}'), 0, 'comment', room % 2, toUnixTimestamp(window_start) * 100000 + n, addMilliseconds(event_time, 300)
FROM slot
ARRAY JOIN range(comments) AS n;

INSERT INTO like_event (
  event_id, event_time, schema_version, platform, room_id, stream_id, user_id, count, broadcast_id, day, is_late, _topic, _partition,
  _offset, received_at
)
SELECT
  hex(sipHash128('like', chance, n)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), n * 7919 % 10000) AS event_time, 1,
  'douyin', room_id, broadcast_id, person(room, sitting(seed, seats, slot, cityHash64('like', chance, n) % viewers)), ${taps},
  broadcast_id, toDate(event_time, '${time_zone}'), 0, 'like', room % 2, toUnixTimestamp(window_start) * 100000 + n, addMilliseconds(event_time, 300)
FROM slot
ARRAY JOIN range(likers) AS n;

INSERT INTO product_event (
  event_id, event_time, schema_version, platform, room_id, stream_id, user_id, action, product_id, broadcast_id, day, is_late, _topic,
  _partition, _offset, received_at
)
SELECT
  hex(sipHash128(act.1, chance, act.2)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), act.2 * 7919 % 10000) AS event_time, 1,
  'douyin', room_id, broadcast_id, person(room, sitting(seed, seats, slot, act.2)), act.1, product_id, broadcast_id,
  toDate(event_time, '${time_zone}'), 0, 'product', room % 2, toUnixTimestamp(window_start) * 100000 + act.3, addMilliseconds(event_time, 300)
FROM slot
ARRAY JOIN arrayConcat(
  arrayMap(n -> ('expose', n, n), range(exposed_users)),
  arrayMap(n -> ('click', n, 10000 + n), range(click_users)),
  arrayMap(n -> ('cart', n, 20000 + n), range(cart_users))
) AS act;

INSERT INTO order_event (
  event_id, event_time, schema_version, platform, room_id, stream_id, user_id, order_id, product_id, quantity, amount, currency,
  status, source, broadcast_id, day, is_late, _topic, _partition, _offset, received_at
)
SELECT
  hex(sipHash128(act.1, chance, act.2)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), act.3 * 2000 + act.2) AS event_time, 1,
  'douyin', room_id, broadcast_id, person(room, sitting(seed, seats, slot, cityHash64(chance, act.2) % viewers)),
  hex(sipHash128('order', chance, act.2)), product_id, 1, price, currency, act.1,
  ['community', 'follow', 'feed', 'search', 'paid', 'share', 'other'][1 + chance % 7],
  broadcast_id, toDate(event_time, '${time_zone}'), 0, 'order', room % 2, toUnixTimestamp(event_time) * 100000 + act.2, addMilliseconds(event_time, 300)
FROM slot
ARRAY JOIN arrayConcat(
  arrayMap(n -> ('created', n, 0), range(orders_created)),
  arrayMap(n -> ('paid', n, 1), range(orders_paid)),
  arrayMap(n -> ('cancelled', n, 2), range(orders_cancelled)),
  arrayMap(n -> ('refunded', n, 3), range(refunds))
) AS act;

INSERT INTO group_message_event (
  event_id, event_time, schema_version, platform, room_id, user_id, group_id, text, role, broadcast_id, day, is_late, _topic,
  _partition, _offset, received_at
)
SELECT
  hex(sipHash128('group_message', chance, n)), addMilliseconds(toDateTime64(window_start, 3, 'UTC'), n * 7919 % 60000) AS event_time, 1,
  'wecom', room_id, person(place, cityHash64(chance, n) % 200), group_id, '什么时候开播？', if(n < staff_messages, 'staff', 'member'),
  concat('day:', toString(toDate(event_time, '${time_zone}'))), toDate(event_time, '${time_zone}'), 0, 'group_message', place % 2,
  toUnixTimestamp(window_start) * 1000 + n, addMilliseconds(event_time, 300)
FROM chat
ARRAY JOIN range(messages) AS n;
