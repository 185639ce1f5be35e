-- The metric family with the product's own parts: first copies, novelty, plain sums.

CREATE TEMPORARY VIEW family_event AS
SELECT 'comment' AS topic, room_id, user_id, CAST(0 AS BIGINT) AS paid, CAST(0 AS BIGINT) AS refunded, event_time, record_time
FROM comment_counted
UNION ALL
SELECT 'group_message', room_id, user_id, 0, 0, event_time, record_time FROM group_message_counted
UNION ALL
SELECT 'like', room_id, user_id, 0, 0, event_time, record_time FROM like_counted
UNION ALL
SELECT
  'order', room_id, user_id,
  CASE WHEN status = 'paid' THEN amount ELSE 0 END,
  CASE WHEN status = 'refunded' THEN amount ELSE 0 END,
  event_time, record_time
FROM order_counted
UNION ALL
SELECT 'product', room_id, user_id, 0, 0, event_time, record_time FROM product_counted
UNION ALL
SELECT 'view', room_id, user_id, 0, 0, event_time, record_time FROM view_counted;

-- Whoever does anything is a user: one kind. No broadcasts are counted: one for all.
CREATE TEMPORARY VIEW family_user AS
SELECT topic, 'any' AS kind, '' AS broadcast_id, COALESCE(room_id, '') AS room_id, user_id, paid, refunded, event_time, record_time
FROM family_event;

CREATE TEMPORARY VIEW family_novelty AS
SELECT * FROM novelty(
  input => TABLE family_user PARTITION BY (room_id, user_id),
  kinds => 'any',
  uid => 'family');

INSERT INTO ${sink}
SELECT
  room_id,
  event_time / 10000 * 10000 AS window_start,
  COUNT(*) FILTER (WHERE topic = 'comment') AS comment_count,
  COUNT(*) FILTER (WHERE topic = 'group_message') AS group_message_count,
  COUNT(*) FILTER (WHERE topic = 'like') AS like_count,
  COUNT(*) FILTER (WHERE topic = 'order') AS order_count,
  COUNT(*) FILTER (WHERE topic = 'product') AS product_count,
  COUNT(*) FILTER (WHERE topic = 'view') AS view_count,
  SUM(paid) AS paid,
  SUM(refunded) AS refunded,
  COUNT(*) FILTER (WHERE user_new_in_10s) AS users,
  MAX(record_time) AS last_record_at
FROM family_novelty
GROUP BY room_id, event_time / 10000 * 10000;
