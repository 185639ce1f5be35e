-- Broadcasts of the chosen rooms that were on in the time range, the newest first; chat in groups alone makes none.
SELECT broadcast_id FROM (
  SELECT room_id, broadcast_id, window_start FROM broadcast_1m_counters
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
  UNION ALL
  SELECT room_id, broadcast_id, window_start FROM broadcast_concurrency_1m_counters
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
)
WHERE (room_id, broadcast_id) IN (
  SELECT room_id, broadcast_id FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND viewers + interacting_users + paying_users > 0
)
GROUP BY broadcast_id ORDER BY max(window_start) DESC
