-- The metric family as a user of PyFlink writes it who has one function in Python for each event: Flink's own JSON format,
-- COUNT(DISTINCT), and `slot(event_time)`, the function. Copies count.

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
