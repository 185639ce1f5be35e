-- Money of the broadcasts that are on, in each currency.
WITH {{current}}, audiences AS (SELECT sum(current.audience) AS audience FROM current)
SELECT
  currency,
  paid / minor AS gmv_paid,
  refunded / minor AS gmv_refunded,
  (paid - refunded) / minor AS gmv_net,
  if(orders = 0, NULL, paid / orders / minor) AS average_order_value,
  if(audience = 0, NULL, paid * 1000 / audience / minor) AS gpm,
  if(audience = 0, NULL, paid / audience / minor) AS uv_value,
  if(paid = 0, NULL, refunded / paid) AS refund_rate_amount
FROM (
  SELECT
    currency, {{minor_units}} AS minor,
    sum(toInt64(sales.gmv_paid)) AS paid, sum(toInt64(sales.gmv_refunded)) AS refunded, sum(orders_paid) AS orders
  FROM broadcast_product_sales_counters AS sales FINAL
  WHERE room_id IN (${room:sqlstring}) AND (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
  GROUP BY currency
) AS money
CROSS JOIN audiences
ORDER BY paid DESC
