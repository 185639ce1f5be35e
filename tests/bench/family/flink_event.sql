-- All topics as one: `${rows}` says which view of each, `counted` (first copies) or `plain`.

CREATE TEMPORARY VIEW family_event AS
SELECT 'comment' AS topic, room_id, user_id, CAST(0 AS BIGINT) AS paid, CAST(0 AS BIGINT) AS refunded, event_time, record_time
FROM comment_${rows}
UNION ALL
SELECT 'group_message', room_id, user_id, 0, 0, event_time, record_time FROM group_message_${rows}
UNION ALL
SELECT 'like', room_id, user_id, 0, 0, event_time, record_time FROM like_${rows}
UNION ALL
SELECT
  'order', room_id, user_id,
  CASE WHEN status = 'paid' THEN amount ELSE 0 END,
  CASE WHEN status = 'refunded' THEN amount ELSE 0 END,
  event_time, record_time
FROM order_${rows}
UNION ALL
SELECT 'product', room_id, user_id, 0, 0, event_time, record_time FROM product_${rows}
UNION ALL
SELECT 'view', room_id, user_id, 0, 0, event_time, record_time FROM view_${rows};
