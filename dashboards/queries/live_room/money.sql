-- Money of the broadcasts that are on, in each currency; for each viewer of those that sold in it.
WITH {{current}}
SELECT
  currency,
  paid / minor AS gmv_paid,
  refunded / minor AS gmv_refunded,
  (paid - refunded) / minor AS gmv_net,
  if(orders = 0, NULL, paid / orders / minor) AS average_order_value,
  if(viewers = 0, NULL, paid * 1000 / viewers / minor) AS gpm,
  if(viewers = 0, NULL, paid / viewers / minor) AS uv_value,
  if(paid = 0, NULL, refunded / paid) AS refund_rate_amount
FROM (
  SELECT
    currency, {{minor_units}} AS minor,
    sum(broadcast_paid) AS paid, sum(broadcast_refunded) AS refunded, sum(broadcast_orders) AS orders,
    sumIf(watched.audience, broadcast_orders > 0) AS viewers
  FROM (
    SELECT
      room_id, broadcast_id, currency,
      sum(toInt64(sales.gmv_paid)) AS broadcast_paid, sum(toInt64(sales.gmv_refunded)) AS broadcast_refunded, sum(orders_paid) AS broadcast_orders
    FROM broadcast_product_sales_counters AS sales FINAL
    WHERE room_id IN (${room:sqlstring}) AND (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
    GROUP BY room_id, broadcast_id, currency
  ) AS sold
  INNER JOIN (SELECT room_id, broadcast_id, audience FROM current) AS watched USING (room_id, broadcast_id)
  GROUP BY currency
) AS money
ORDER BY paid DESC
