-- repurchase: who buys again.
-- A paid order is a repeat order when its buyer has an earlier paid order in the same room. Orders arrive in any
-- sequence, but the earliest known order of a buyer only ever moves back, so the set of later ones only grows: repeat
-- orders can be counted by a counter that only grows.

CREATE TEMPORARY VIEW paid_order AS
SELECT
  room_id, broadcast_id, user_id, event_time, record_time,
  LPAD(CAST(event_time AS STRING), 13, '0') || order_id AS order_key  -- sorts by time, then by order id
FROM order_counted
WHERE status = 'paid';

CREATE TEMPORARY VIEW earliest_order AS
SELECT room_id, user_id, MIN(order_key) AS order_key
FROM paid_order
GROUP BY room_id, user_id;

CREATE TEMPORARY VIEW repeat_order AS
SELECT paid.room_id, paid.broadcast_id, paid.event_time, paid.record_time
FROM paid_order AS paid
JOIN earliest_order AS earliest
  ON paid.room_id = earliest.room_id AND paid.user_id = earliest.user_id AND paid.order_key > earliest.order_key;

-- Room by 10 s and by 1 min, in one aggregation.
CREATE TEMPORARY VIEW repeat_order_window AS
SELECT CAST(10 AS BIGINT) AS window_seconds, event_time / 10000 * 10 AS window_start, * FROM repeat_order
UNION ALL
SELECT CAST(60 AS BIGINT) AS window_seconds, event_time / 60000 * 60 AS window_start, * FROM repeat_order;

INSERT INTO repurchase_room
SELECT
  room_id,
  window_seconds,
  window_start,
  COUNT(*) AS repeat_orders,
  MAX(record_time) AS last_record_at
FROM repeat_order_window
GROUP BY room_id, window_seconds, window_start;

INSERT INTO repurchase_broadcast
SELECT room_id, broadcast_id, COUNT(*) AS repeat_orders, MAX(record_time) AS last_record_at
FROM repeat_order
GROUP BY room_id, broadcast_id;

-- What rates over 30 days, 90 days and all time are made from, and the time between a buyer's orders.
INSERT INTO repurchase_buyer_day
SELECT
  room_id,
  user_id,
  DATE_FORMAT(TO_TIMESTAMP_LTZ(event_time, 3), 'yyyy-MM-dd') AS `day`,
  COUNT(*) AS orders_paid,
  MIN(TO_TIMESTAMP_LTZ(event_time, 3)) AS first_paid_at,
  MAX(TO_TIMESTAMP_LTZ(event_time, 3)) AS last_paid_at,
  MAX(record_time) AS last_record_at
FROM paid_order
GROUP BY room_id, user_id, DATE_FORMAT(TO_TIMESTAMP_LTZ(event_time, 3), 'yyyy-MM-dd');
