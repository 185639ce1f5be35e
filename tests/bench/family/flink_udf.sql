-- The metric family as a user of PyFlink writes it who has one function in Python for each event: Flink's own JSON format,
-- COUNT(DISTINCT), and `slot(event_time)`, the function. Copies count.

CREATE TEMPORARY VIEW family_event AS
SELECT 'comment' AS topic, room_id, user_id, CAST(0 AS BIGINT) AS paid, CAST(0 AS BIGINT) AS refunded, event_time, record_time
FROM comment_plain
UNION ALL
SELECT 'group_message', room_id, user_id, 0, 0, event_time, record_time FROM group_message_plain
UNION ALL
SELECT 'like', room_id, user_id, 0, 0, event_time, record_time FROM like_plain
UNION ALL
SELECT
  'order', room_id, user_id,
  CASE WHEN status = 'paid' THEN amount ELSE 0 END,
  CASE WHEN status = 'refunded' THEN amount ELSE 0 END,
  event_time, record_time
FROM order_plain
UNION ALL
SELECT 'product', room_id, user_id, 0, 0, event_time, record_time FROM product_plain
UNION ALL
SELECT 'view', room_id, user_id, 0, 0, event_time, record_time FROM view_plain;

CREATE TEMPORARY VIEW family_slot AS
SELECT topic, COALESCE(room_id, '') AS room_id, user_id, paid, refunded, slot(event_time) AS window_start, record_time
FROM family_event;

INSERT INTO ${sink}
SELECT
  room_id,
  window_start,
  COUNT(*) FILTER (WHERE topic = 'comment') AS comment_count,
  COUNT(*) FILTER (WHERE topic = 'group_message') AS group_message_count,
  COUNT(*) FILTER (WHERE topic = 'like') AS like_count,
  COUNT(*) FILTER (WHERE topic = 'order') AS order_count,
  COUNT(*) FILTER (WHERE topic = 'product') AS product_count,
  COUNT(*) FILTER (WHERE topic = 'view') AS view_count,
  SUM(paid) AS paid,
  SUM(refunded) AS refunded,
  COUNT(DISTINCT user_id) AS users,
  MAX(record_time) AS last_record_at
FROM family_slot
GROUP BY room_id, window_start;
