-- The chosen broadcasts together.
SELECT
  min(if(viewers > 0, first_view_at, first_activity_at)) AS began_at,
  sum(b.audience) AS audience,
  -- Not known, rather than 0, where no views are told.
  maxOrNullIf(b.peak_concurrency, b.viewers > 0) AS peak_concurrency,
  if(sum(b.audience) = 0, NULL, sum(watch_seconds) / sum(b.audience)) AS average_watch_seconds,
  if(sum(b.audience) = 0, NULL, sum(interacting_users) / sum(b.audience)) AS interaction_rate,
  if(sum(b.audience) = 0, NULL, sum(b.paying_users) / sum(b.audience)) AS conversion_rate,
  sum(b.orders_paid) AS orders_paid,
  if(sum(b.orders_paid) = 0, NULL, sum(b.orders_refunded) / sum(b.orders_paid)) AS refund_rate_orders
FROM broadcast AS b
WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring})
