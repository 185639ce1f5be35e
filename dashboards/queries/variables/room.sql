-- Rooms of the time range, the fullest first.
SELECT room_id FROM room_1m_counters WHERE $__timeFilter(window_start) GROUP BY room_id ORDER BY max(viewers) DESC, room_id
