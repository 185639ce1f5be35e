-- New and repeat buyers of each broadcast that was on in the time range; a refund days later does not bring it back.
SELECT
  room_id,
  broadcast_id,
  if(viewers > 0, first_view_at, first_activity_at) AS began_at,
  paying_users,
  toInt64(paying_users) - (toInt64(orders_paid) - toInt64(repeat_orders)) AS repeat_buyers,
  toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers,
  if(paying_users = 0, NULL, repeat_buyers / paying_users) AS repeat_buyer_rate
FROM broadcast_counters FINAL
WHERE room_id IN (${room:sqlstring}) AND if(viewers > 0, last_view_at, last_activity_at) >= $__fromTime_ms AND began_at <= $__toTime_ms AND paying_users > 0
ORDER BY began_at DESC
LIMIT 200
