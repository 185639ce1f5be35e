-- sales_by_payment_day: money by the day of the payment, refunds included whenever they came (joined on order_id
-- and currency: one in another currency than its payment's is in no row).
-- The live tables count a refund in its own window; this view says what became of a day's sales. Late orders and
-- refunds are in it: it is read later, and nobody's board moves.
CREATE OR REPLACE VIEW sales_by_payment_day AS
SELECT
  paid.room_id AS room_id,
  paid.currency AS currency,
  paid.day AS day,
  count() AS orders_paid,
  sum(paid.amount) AS gmv_paid,
  countIf(refund.refunds > 0) AS orders_refunded,
  sum(refund.amount) AS gmv_refunded,
  toInt64(gmv_paid) - toInt64(gmv_refunded) AS gmv_net,
  orders_refunded / orders_paid AS refund_rate_orders,
  if(gmv_paid = 0, NULL, gmv_refunded / gmv_paid) AS refund_rate_amount
FROM (
  SELECT * FROM order_event FINAL WHERE status = 'paid' ORDER BY _partition, _offset LIMIT 1 BY order_id
) AS paid
LEFT JOIN (
  SELECT order_id, currency, count() AS refunds, sum(amount) AS amount
  FROM (SELECT * FROM order_event FINAL WHERE status = 'refunded' ORDER BY _partition, _offset LIMIT 1 BY event_id)
  GROUP BY order_id, currency
) AS refund ON paid.order_id = refund.order_id AND paid.currency = refund.currency
GROUP BY room_id, currency, day
