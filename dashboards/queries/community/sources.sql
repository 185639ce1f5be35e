-- Paid orders of the chosen rooms by how the buyer came, as the orders say it. From stored events: for looking back, not for a live view.
SELECT if(source = '', 'unknown', source) AS order_source, uniqExact(order_id) AS orders_paid, uniqExact(user_id) AS paying_users
FROM order_event
WHERE room_id IN (${room:sqlstring}) AND event_time >= toDateTime64($__fromTime, 3) AND event_time <= toDateTime64($__toTime, 3) AND status = 'paid' AND NOT is_late
GROUP BY order_source
ORDER BY orders_paid DESC, order_source
