-- The product that most people were shown in each interval: where it changes, another was pinned. From stored events, for looking back.
SELECT $__timeInterval(event_time) AS moved_at, topK(1)(product_id)[1] AS product_id, count() AS exposures
FROM product_event
WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring}) AND action = 'expose' AND NOT is_late
  AND $__timeFilter_ms(event_time)
GROUP BY moved_at
ORDER BY moved_at DESC
LIMIT 500
