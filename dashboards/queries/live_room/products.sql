-- The products that sell best in the broadcasts that are on: by orders, because money of several currencies does not compare.
WITH {{current}}
SELECT
  product_id,
  sales.currency AS currency,
  sales.paid AS gmv_paid,
  sales.orders AS orders_paid,
  people.clicked AS click_users,
  if(people.clicked = 0, NULL, people.payers / people.clicked) AS click_to_order_rate
FROM (
  SELECT product_id, sum(p.click_users) AS clicked, sum(p.paying_users) AS payers
  FROM broadcast_product_counters AS p FINAL
  WHERE room_id IN (${room:sqlstring}) AND (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
  GROUP BY product_id
) AS people
INNER JOIN (
  SELECT
    product_id, currency, sum(s.orders_paid) AS orders,
    sum(s.gmv_paid) / {{minor_units}} AS paid
  FROM broadcast_product_sales_counters AS s FINAL
  WHERE room_id IN (${room:sqlstring}) AND (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
  GROUP BY product_id, currency
) AS sales USING (product_id)
ORDER BY orders_paid DESC, gmv_paid DESC, product_id
LIMIT 20
