-- conversion: from seeing a product to paying for it, and the money.
-- Money paid and money given back are two counters that only grow; the difference is taken by whoever reads.

-- Who does something for the first time: a user, and of refunds also the order, which may have several and is one refunded order.
CREATE TEMPORARY VIEW funnel AS
SELECT action AS kind, room_id, broadcast_id, user_id AS actor, product_id AS item, event_time, record_time
FROM product
UNION ALL
SELECT status, room_id, broadcast_id, user_id, product_id, event_time, record_time
FROM order_counted
UNION ALL
SELECT 'refunded_order', room_id, broadcast_id, order_id, CAST(NULL AS STRING), event_time, record_time
FROM order_counted
WHERE status = 'refunded';

CREATE TEMPORARY VIEW funnel_novelty AS
SELECT * FROM novelty(
  input => TABLE funnel PARTITION BY (room_id, actor),
  kinds => 'expose, click, cart, created, paid, cancelled, refunded, refunded_order',
  uid => 'funnel');

-- Room by 10 s and by 1 min, in one aggregation.
CREATE TEMPORARY VIEW funnel_window AS
SELECT room_id, window_seconds, window_start, kind, kind_new, record_time
FROM funnel_novelty
CROSS JOIN UNNEST(ARRAY[
  ROW(CAST(10 AS BIGINT), event_time / 10000 * 10, kind_new_in_10s),
  ROW(CAST(60 AS BIGINT), event_time / 60000 * 60, kind_new_in_1m)
]) AS grain (window_seconds, window_start, kind_new);

INSERT INTO conversion_room
SELECT
  room_id,
  window_seconds,
  window_start,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'expose') AS exposed_users,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'click') AS click_users,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'cart') AS cart_users,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE kind = 'created') AS orders_created,
  COUNT(*) FILTER (WHERE kind = 'paid') AS orders_paid,
  COUNT(*) FILTER (WHERE kind = 'cancelled') AS orders_cancelled,
  COUNT(*) FILTER (WHERE kind = 'refunded') AS refunds,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'refunded_order') AS orders_refunded,
  MAX(record_time) AS last_record_at
FROM funnel_window
GROUP BY room_id, window_seconds, window_start;

INSERT INTO conversion_broadcast
SELECT
  room_id,
  broadcast_id,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'expose') AS exposed_users,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'click') AS click_users,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'cart') AS cart_users,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE kind = 'created') AS orders_created,
  COUNT(*) FILTER (WHERE kind = 'paid') AS orders_paid,
  COUNT(*) FILTER (WHERE kind = 'cancelled') AS orders_cancelled,
  COUNT(*) FILTER (WHERE kind = 'refunded') AS refunds,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'refunded_order') AS orders_refunded,
  MAX(record_time) AS last_record_at
FROM funnel_novelty
GROUP BY room_id, broadcast_id;

INSERT INTO conversion_product
SELECT
  room_id,
  broadcast_id,
  item AS product_id,
  COUNT(*) FILTER (WHERE kind_new_with_item AND kind = 'expose') AS exposed_users,
  COUNT(*) FILTER (WHERE kind_new_with_item AND kind = 'click') AS click_users,
  COUNT(*) FILTER (WHERE kind_new_with_item AND kind = 'cart') AS cart_users,
  COUNT(*) FILTER (WHERE kind_new_with_item AND kind = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE kind = 'paid') AS orders_paid,
  MAX(record_time) AS last_record_at
FROM funnel_novelty
WHERE item IS NOT NULL
GROUP BY room_id, broadcast_id, item;

CREATE TEMPORARY VIEW sale AS
SELECT status, room_id, broadcast_id, product_id, currency, quantity, amount, event_time, record_time
FROM order_counted
WHERE status IN ('paid', 'refunded');

-- Money by currency: room by 10 s and by 1 min.
CREATE TEMPORARY VIEW sale_window AS
SELECT CAST(10 AS BIGINT) AS window_seconds, event_time / 10000 * 10 AS window_start, * FROM sale
UNION ALL
SELECT CAST(60 AS BIGINT) AS window_seconds, event_time / 60000 * 60 AS window_start, * FROM sale;

INSERT INTO conversion_room_sales
SELECT
  room_id,
  currency,
  window_seconds,
  window_start,
  COUNT(*) FILTER (WHERE status = 'paid') AS orders_paid,
  SUM(CASE status WHEN 'paid' THEN quantity ELSE 0 END) AS units_paid,
  SUM(CASE status WHEN 'paid' THEN amount ELSE 0 END) AS gmv_paid,
  COUNT(*) FILTER (WHERE status = 'refunded') AS refunds,
  SUM(CASE status WHEN 'refunded' THEN amount ELSE 0 END) AS gmv_refunded,
  MAX(record_time) AS last_record_at
FROM sale_window
GROUP BY room_id, currency, window_seconds, window_start;

-- Money by currency: broadcast by product; a broadcast's own sums are its products' sums.
INSERT INTO conversion_product_sales
SELECT
  room_id,
  broadcast_id,
  product_id,
  currency,
  COUNT(*) FILTER (WHERE status = 'paid') AS orders_paid,
  SUM(CASE status WHEN 'paid' THEN quantity ELSE 0 END) AS units_paid,
  SUM(CASE status WHEN 'paid' THEN amount ELSE 0 END) AS gmv_paid,
  COUNT(*) FILTER (WHERE status = 'refunded') AS refunds,
  SUM(CASE status WHEN 'refunded' THEN amount ELSE 0 END) AS gmv_refunded,
  MAX(record_time) AS last_record_at
FROM sale
GROUP BY room_id, broadcast_id, product_id, currency;
