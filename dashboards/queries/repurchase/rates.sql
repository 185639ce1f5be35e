-- How many of the buyers bought again: all rooms as one, over all time and the days that end today.
SELECT
  -- Without buyers there is no rate.
  anyOrNullIf(r.repurchase_rate, period = '30d') AS repurchase_rate_30d,
  anyOrNullIf(r.repurchase_rate, period = '90d') AS repurchase_rate_90d,
  anyOrNullIf(r.repurchase_rate, period = 'all') AS repurchase_rate_all,
  anyIf(r.repeat_buyers, period = 'all') AS buyers_again,
  anyIf(r.buyers, period = 'all') AS buyers,
  anyOrNullIf(r.days_between_orders, period = 'all') AS days_between_orders
FROM repurchase AS r
-- Not `= ''`, of which ClickHouse makes a question for the length, and then counts the rooms one by one too.
WHERE room_id IN ('')
