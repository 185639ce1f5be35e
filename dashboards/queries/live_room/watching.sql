-- Distinct viewers in each 10 s.
SELECT window_start AS time, sum(viewers) AS viewers
FROM room_10s_counters FINAL
WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
GROUP BY time ORDER BY time
