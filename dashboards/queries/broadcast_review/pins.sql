-- The product that most people were shown in each interval: where it changes, another was pinned. From stored events, for looking back;
-- people, because an event may be stored twice.
SELECT $__timeInterval(event_time) AS moved_at, product_id, uniqExact(user_id) AS exposed_users
FROM product_event
WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring}) AND action = 'expose' AND NOT is_late
  AND $__timeFilter_ms(event_time)
GROUP BY moved_at, product_id
ORDER BY moved_at DESC, exposed_users DESC, product_id
LIMIT 1 BY moved_at
LIMIT 500
