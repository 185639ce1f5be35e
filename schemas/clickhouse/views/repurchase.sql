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
  WITH dateDiff('day', day, toDate(now('${time_zone}'))) AS days_ago
  SELECT
    room_id, user_id,
    [
      ('all', sum(orders_paid), min(first_paid_at), max(last_paid_at)),
      ('90d', sumIf(orders_paid, days_ago < 90), minIf(first_paid_at, days_ago < 90), maxIf(last_paid_at, days_ago < 90)),
      ('30d', sumIf(orders_paid, days_ago < 30), minIf(first_paid_at, days_ago < 30), maxIf(last_paid_at, days_ago < 30))
    ] AS periods
  FROM (
    SELECT room_id, user_id, day, orders_paid, first_paid_at, last_paid_at FROM buyer_day
    UNION ALL SELECT '' AS room_id, user_id, day, orders_paid, first_paid_at, last_paid_at FROM buyer_day
  )
  GROUP BY room_id, user_id
)
ARRAY JOIN periods.1 AS period, periods.2 AS orders, periods.3 AS first_at, periods.4 AS last_at
WHERE orders > 0
GROUP BY period, room_id
