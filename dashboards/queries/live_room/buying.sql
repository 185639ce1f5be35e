-- From viewers to payers in the broadcasts that are on.
WITH {{current}}
SELECT
  if(sum(audience) = 0, NULL, sum(click_users) / sum(audience)) AS click_rate,
  if(sum(click_users) = 0, NULL, sum(current.paying_users) / sum(click_users)) AS click_to_order_rate,
  if(sum(audience) = 0, NULL, sum(current.paying_users) / sum(audience)) AS conversion_rate,
  sum(current.paying_users) AS paying_users,
  sum(toInt64(orders_paid) - toInt64(repeat_orders)) AS new_buyers,
  sum(toInt64(current.paying_users)) - new_buyers AS repeat_buyers
FROM current
