-- Paid orders by room and interval.
SELECT $__timeInterval(window_start) AS time, room_id, sum(c.orders_paid) AS orders_paid
FROM room_1m_counters AS c FINAL
WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
GROUP BY time, room_id
ORDER BY time, room_id
