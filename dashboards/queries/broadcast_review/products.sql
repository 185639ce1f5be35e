-- Products of the chosen broadcasts: who saw, clicked and paid, and the money. Those with most orders first, because money of several
-- currencies does not compare.
SELECT product_id, exposed_users, click_users, cart_users, paying_users, click_to_order_rate, currency, gmv_paid, gmv_refunded
FROM (
  SELECT
    product_id, sum(p.exposed_users) AS exposed_users, sum(p.click_users) AS click_users, sum(p.cart_users) AS cart_users,
    sum(p.paying_users) AS paying_users, if(sum(p.click_users) = 0, NULL, sum(p.paying_users) / sum(p.click_users)) AS click_to_order_rate
  FROM broadcast_product_counters AS p FINAL
  WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring})
  GROUP BY product_id
) AS people
LEFT JOIN (
  SELECT
    product_id, currency, {{minor_units}} AS minor, sum(s.orders_paid) AS orders,
    sum(s.gmv_paid) / minor AS gmv_paid, sum(s.gmv_refunded) / minor AS gmv_refunded
  FROM broadcast_product_sales_counters AS s FINAL
  WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring})
  GROUP BY product_id, currency
) AS sales USING (product_id)
ORDER BY orders DESC, gmv_paid DESC, product_id
LIMIT 100
