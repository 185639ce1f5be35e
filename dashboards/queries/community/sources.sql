-- Paid orders of the chosen rooms by how the buyer came, as the orders say it. From stored events: for looking back, not for a live view.
SELECT if(source = '', 'unknown', source) AS order_source, uniqExact(order_id) AS orders_paid, uniqExact(user_id) AS paying_users
FROM order_event
WHERE room_id IN (${room:sqlstring}) AND $__timeFilter_ms(event_time) AND status = 'paid' AND NOT is_late
GROUP BY order_source
ORDER BY orders_paid DESC, order_source
