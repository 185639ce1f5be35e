-- Broadcasts of the chosen rooms that were on in the time range, the newest first.
SELECT broadcast_id FROM broadcast_1m_counters WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start) GROUP BY broadcast_id ORDER BY max(window_start) DESC
