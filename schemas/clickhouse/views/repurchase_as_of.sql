-- repurchase_as_of(as_of, days): the same for the `days` days that end with `as_of`, for example
--   SELECT * FROM repurchase_as_of(as_of = '2026-03-31', days = 30)
CREATE OR REPLACE VIEW repurchase_as_of AS
SELECT
  room_id,
  count() AS buyers,
  countIf(orders > 1) AS repeat_buyers,
  repeat_buyers / buyers AS repurchase_rate,
  sum(orders) AS orders_paid
FROM (
  SELECT room_id, user_id, sum(orders_paid) AS orders
  FROM (
    SELECT room_id, user_id, day, orders_paid FROM buyer_day
    UNION ALL SELECT '' AS room_id, user_id, day, orders_paid FROM buyer_day
  )
  -- Not `{as_of:Date} - {days:UInt16}`, which wraps before 1970: a Date has 16 bits.
  WHERE day <= {as_of:Date} AND dateDiff('day', day, {as_of:Date}) < {days:UInt16}
  GROUP BY room_id, user_id
)
GROUP BY room_id
