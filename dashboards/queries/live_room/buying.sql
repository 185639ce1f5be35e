-- From viewers to payers in the broadcasts that are on.
WITH current AS (
  SELECT room_id, broadcast_id FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND last_record_at >= $__fromTime_ms
  ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1 BY room_id
)
SELECT
  if(sum(audience) = 0, NULL, sum(click_users) / sum(audience)) AS click_rate,
  if(sum(click_users) = 0, NULL, sum(broadcast.paying_users) / sum(click_users)) AS click_to_order_rate,
  if(sum(audience) = 0, NULL, sum(broadcast.paying_users) / sum(audience)) AS conversion_rate,
  sum(broadcast.paying_users) AS paying_users,
  sum(broadcast.new_buyers) AS new_buyers,
  sum(broadcast.repeat_buyers) AS repeat_buyers
FROM (SELECT *, if(viewers > 0, viewers, active_users) AS audience, toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers,
  toInt64(paying_users) - new_buyers AS repeat_buyers FROM broadcast_counters FINAL WHERE room_id IN (${room:sqlstring})) AS broadcast
WHERE (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
