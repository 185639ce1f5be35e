-- The metric family with the product's own parts: first copies (flink_event.sql), novelty, plain sums.

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
