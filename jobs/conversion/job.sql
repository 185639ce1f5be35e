-- conversion: from seeing a product to paying for it, and the money.
-- Money paid and money given back are two counters that only grow; the difference is taken by whoever reads.

CREATE TEMPORARY VIEW funnel AS
SELECT
  action AS step, room_id, broadcast_id, product_id, user_id, CAST(NULL AS STRING) AS order_id, event_time, record_time
FROM product
UNION ALL
SELECT status, room_id, broadcast_id, product_id, user_id, order_id, event_time, record_time
FROM order_counted;

CREATE TEMPORARY VIEW sale AS
SELECT status, room_id, broadcast_id, product_id, currency, quantity, amount, event_time, record_time
FROM order_counted
WHERE status IN ('paid', 'refunded');

-- Room by 10 s and by 1 min, in one aggregation.
CREATE TEMPORARY VIEW funnel_window AS
SELECT CAST(10 AS BIGINT) AS window_seconds, event_time / 10000 * 10 AS window_start, * FROM funnel
UNION ALL
SELECT CAST(60 AS BIGINT) AS window_seconds, event_time / 60000 * 60 AS window_start, * FROM funnel;

INSERT INTO conversion_room
SELECT
  room_id,
  window_seconds,
  window_start,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'expose') AS exposed_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'click') AS click_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'cart') AS cart_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE step = 'created') AS orders_created,
  COUNT(*) FILTER (WHERE step = 'paid') AS orders_paid,
  COUNT(*) FILTER (WHERE step = 'cancelled') AS orders_cancelled,
  COUNT(*) FILTER (WHERE step = 'refunded') AS refunds,
  COUNT(DISTINCT order_id) FILTER (WHERE step = 'refunded') AS orders_refunded,
  MAX(record_time) AS last_record_at
FROM funnel_window
GROUP BY room_id, window_seconds, window_start;

INSERT INTO conversion_broadcast
SELECT
  room_id,
  broadcast_id,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'expose') AS exposed_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'click') AS click_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'cart') AS cart_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE step = 'created') AS orders_created,
  COUNT(*) FILTER (WHERE step = 'paid') AS orders_paid,
  COUNT(*) FILTER (WHERE step = 'cancelled') AS orders_cancelled,
  COUNT(*) FILTER (WHERE step = 'refunded') AS refunds,
  COUNT(DISTINCT order_id) FILTER (WHERE step = 'refunded') AS orders_refunded,
  MAX(record_time) AS last_record_at
FROM funnel
GROUP BY room_id, broadcast_id;

INSERT INTO conversion_product
SELECT
  room_id,
  broadcast_id,
  product_id,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'expose') AS exposed_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'click') AS click_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'cart') AS cart_users,
  COUNT(DISTINCT user_id) FILTER (WHERE step = 'paid') AS paying_users,
  COUNT(*) FILTER (WHERE step = 'paid') AS orders_paid,
  MAX(record_time) AS last_record_at
FROM funnel
GROUP BY room_id, broadcast_id, product_id;

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
