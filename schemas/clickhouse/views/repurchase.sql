-- repurchase: how many buyers bought again, as of today in the configured time zone: over all time, the last 90 and the
-- last 30 days (today included). One row a room, and one for all rooms together (room_id empty), in which a buyer of
-- several rooms is one buyer.
CREATE OR REPLACE VIEW repurchase AS
SELECT
  period,
  room_id,
  count() AS buyers,
  countIf(orders > 1) AS repeat_buyers,
  repeat_buyers / buyers AS repurchase_rate,
  sum(orders) AS orders_paid,
  -- A buyer's gaps add up to the time from the first to the last order.
  if(repeat_buyers = 0, NULL, sum(dateDiff('second', first_at, last_at)) / sum(orders - 1) / 86400) AS days_between_orders
FROM (
  SELECT
    period, room_id, user_id,
    sum(orders_paid) AS orders, min(first_paid_at) AS first_at, max(last_paid_at) AS last_at
  FROM (
    SELECT room_id, user_id, day, orders_paid, first_paid_at, last_paid_at FROM buyer_day
    UNION ALL SELECT '' AS room_id, user_id, day, orders_paid, first_paid_at, last_paid_at FROM buyer_day
  )
  ARRAY JOIN ['all', '90d', '30d'] AS period, [65535, 90, 30] AS days
  WHERE dateDiff('day', day, toDate(now('${time_zone}'))) < days
  GROUP BY period, room_id, user_id
)
GROUP BY period, room_id
