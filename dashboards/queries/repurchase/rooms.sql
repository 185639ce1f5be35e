-- The same for each chosen room, over all time.
SELECT room_id, buyers, repeat_buyers AS buyers_again, repurchase_rate AS repurchase_rate_all, orders_paid, days_between_orders
FROM repurchase
WHERE period = 'all' AND room_id IN (${room:sqlstring})
ORDER BY buyers DESC, room_id
