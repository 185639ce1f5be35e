-- The chosen broadcasts minute by minute: average viewers, and what their rooms did meanwhile.
SELECT minute AS time, sum(watching) AS average_audience, sum(m.comments) AS comments, sum(m.click_users) AS click_users, sum(m.orders_paid) AS orders_paid
FROM (
  SELECT room_id, window_start AS minute, sum(viewer_slots) / 6 AS watching
  FROM broadcast_concurrency_1m_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring}) AND $__timeFilter(window_start)
  GROUP BY room_id, minute
) AS present
INNER JOIN (
  SELECT room_id, window_start, comments, click_users, orders_paid FROM room_1m_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
) AS m ON m.room_id = present.room_id AND m.window_start = present.minute
GROUP BY time ORDER BY time
