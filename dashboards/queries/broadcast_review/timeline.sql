-- The chosen broadcasts minute by minute: average viewers, and what their rooms did meanwhile.
WITH {{minutes}}
SELECT minute AS time, sum(minutes.watching) AS average_audience, sum(m.comments) AS comments, sum(m.click_users) AS click_users, sum(m.orders_paid) AS orders_paid
FROM minutes
LEFT JOIN (
  SELECT room_id, window_start, comments, click_users, orders_paid FROM room_1m_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
) AS m ON m.room_id = minutes.room_id AND m.window_start = minutes.minute
GROUP BY time ORDER BY time
