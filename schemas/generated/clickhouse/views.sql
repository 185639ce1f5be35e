CREATE OR REPLACE VIEW room_10s AS
SELECT
  room_id,
  window_start,
  exposed_users,
  click_users,
  cart_users,
  paying_users,
  orders_created,
  orders_paid,
  orders_cancelled,
  refunds,
  orders_refunded,
  viewers,
  viewer_slots,
  comments,
  likes,
  group_messages,
  commenters,
  likers,
  interacting_users,
  active_users,
  repeat_orders,
  last_record_at,
  if(viewers > 0, viewers, active_users) AS audience,
  if(viewers > 0, 'exact', 'inferred') AS viewers_basis,
  if(viewers > 0, viewer_slots * 10, active_users * 10) AS watch_seconds,
  toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers,
  if(audience = 0, NULL, paying_users / audience) AS conversion_rate,
  if(audience = 0, NULL, click_users / audience) AS click_rate,
  if(click_users = 0, NULL, paying_users / click_users) AS click_to_order_rate,
  if(audience = 0, NULL, interacting_users / audience) AS interaction_rate,
  if(audience = 0, NULL, (comments + likes) / audience) AS interactions_per_viewer
FROM room_10s_counters FINAL;

CREATE OR REPLACE VIEW room_1m AS
SELECT
  room_id,
  window_start,
  exposed_users,
  click_users,
  cart_users,
  paying_users,
  orders_created,
  orders_paid,
  orders_cancelled,
  refunds,
  orders_refunded,
  viewers,
  viewer_slots,
  comments,
  likes,
  group_messages,
  commenters,
  likers,
  interacting_users,
  active_users,
  repeat_orders,
  last_record_at,
  if(viewers > 0, viewers, active_users) AS audience,
  if(viewers > 0, 'exact', 'inferred') AS viewers_basis,
  if(viewers > 0, viewer_slots * 10, active_users * 60) AS watch_seconds,
  toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers,
  if(audience = 0, NULL, paying_users / audience) AS conversion_rate,
  if(audience = 0, NULL, click_users / audience) AS click_rate,
  if(click_users = 0, NULL, paying_users / click_users) AS click_to_order_rate,
  if(audience = 0, NULL, watch_seconds / audience) AS average_watch_seconds,
  if(audience = 0, NULL, interacting_users / audience) AS interaction_rate,
  if(audience = 0, NULL, (comments + likes) / audience) AS interactions_per_viewer,
  if(orders_paid = 0, NULL, repeat_orders / orders_paid) AS repeat_order_rate
FROM room_1m_counters FINAL;

CREATE OR REPLACE VIEW broadcast AS
SELECT
  room_id,
  broadcast_id,
  exposed_users,
  click_users,
  cart_users,
  paying_users,
  orders_created,
  orders_paid,
  orders_cancelled,
  refunds,
  orders_refunded,
  viewers,
  viewers_community,
  viewers_follow,
  viewers_feed,
  viewers_search,
  viewers_paid,
  viewers_share,
  viewers_other,
  first_view_at,
  last_view_at,
  comments,
  likes,
  group_messages,
  commenters,
  likers,
  interacting_users,
  active_users,
  first_activity_at,
  last_activity_at,
  repeat_orders,
  last_record_at,
  viewer_slots,
  peak_concurrency,
  active_minutes,
  if(viewers > 0, viewers, active_users) AS audience,
  if(viewers > 0, 'exact', 'inferred') AS viewers_basis,
  if(viewers > 0, viewer_slots * 10, active_minutes * 60) AS watch_seconds,
  toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers,
  toInt64(paying_users) - new_buyers AS repeat_buyers,
  if(audience = 0, NULL, paying_users / audience) AS conversion_rate,
  if(audience = 0, NULL, click_users / audience) AS click_rate,
  if(click_users = 0, NULL, paying_users / click_users) AS click_to_order_rate,
  if(orders_paid = 0, NULL, orders_refunded / orders_paid) AS refund_rate_orders,
  if(audience = 0, NULL, watch_seconds / audience) AS average_watch_seconds,
  if(audience = 0, NULL, interacting_users / audience) AS interaction_rate,
  if(audience = 0, NULL, (comments + likes) / audience) AS interactions_per_viewer,
  if(orders_paid = 0, NULL, repeat_orders / orders_paid) AS repeat_order_rate,
  if(paying_users = 0, NULL, repeat_buyers / paying_users) AS repeat_buyer_rate
FROM broadcast_counters AS counters FINAL
LEFT JOIN (
  SELECT room_id, broadcast_id, sum(viewer_slots) AS viewer_slots, max(peak_concurrency) AS peak_concurrency
  FROM broadcast_concurrency_1m_counters FINAL GROUP BY room_id, broadcast_id
) AS slots USING (room_id, broadcast_id)
LEFT JOIN (
  SELECT room_id, broadcast_id, sum(active_users) AS active_minutes
  FROM broadcast_1m_counters FINAL GROUP BY room_id, broadcast_id
) AS minutes USING (room_id, broadcast_id);

CREATE OR REPLACE VIEW broadcast_10s AS
SELECT
  room_id,
  broadcast_id,
  window_start,
  viewers,
  last_record_at
FROM broadcast_10s_counters FINAL;

CREATE OR REPLACE VIEW broadcast_1m AS
SELECT
  room_id,
  broadcast_id,
  window_start,
  active_users,
  last_record_at
FROM broadcast_1m_counters FINAL;

CREATE OR REPLACE VIEW broadcast_concurrency_1m AS
SELECT
  room_id,
  broadcast_id,
  window_start,
  viewer_slots,
  peak_concurrency,
  last_record_at
FROM broadcast_concurrency_1m_counters FINAL;

CREATE OR REPLACE VIEW room_sales_10s AS
SELECT
  room_id,
  currency,
  window_start,
  orders_paid,
  units_paid,
  gmv_paid,
  refunds,
  gmv_refunded,
  last_record_at,
  audience,
  toInt64(gmv_paid) - toInt64(gmv_refunded) AS gmv_net,
  if(orders_paid = 0, NULL, gmv_paid / orders_paid) AS average_order_value,
  if(audience = 0, NULL, (gmv_paid * 1000) / audience) AS gpm,
  if(audience = 0, NULL, gmv_paid / audience) AS uv_value
FROM room_sales_10s_counters AS sales FINAL
LEFT JOIN (SELECT room_id, window_start, audience FROM room_10s) AS audiences USING (room_id, window_start);

CREATE OR REPLACE VIEW room_sales_1m AS
SELECT
  room_id,
  currency,
  window_start,
  orders_paid,
  units_paid,
  gmv_paid,
  refunds,
  gmv_refunded,
  last_record_at,
  audience,
  toInt64(gmv_paid) - toInt64(gmv_refunded) AS gmv_net,
  if(orders_paid = 0, NULL, gmv_paid / orders_paid) AS average_order_value,
  if(gmv_paid = 0, NULL, gmv_refunded / gmv_paid) AS refund_rate_amount,
  if(audience = 0, NULL, (gmv_paid * 1000) / audience) AS gpm,
  if(audience = 0, NULL, gmv_paid / audience) AS uv_value
FROM room_sales_1m_counters AS sales FINAL
LEFT JOIN (SELECT room_id, window_start, audience FROM room_1m) AS audiences USING (room_id, window_start);

CREATE OR REPLACE VIEW broadcast_product AS
SELECT
  room_id,
  broadcast_id,
  product_id,
  exposed_users,
  click_users,
  cart_users,
  paying_users,
  orders_paid,
  last_record_at,
  if(click_users = 0, NULL, paying_users / click_users) AS click_to_order_rate
FROM broadcast_product_counters FINAL;

CREATE OR REPLACE VIEW broadcast_product_sales AS
SELECT
  room_id,
  broadcast_id,
  product_id,
  currency,
  orders_paid,
  units_paid,
  gmv_paid,
  refunds,
  gmv_refunded,
  last_record_at,
  toInt64(gmv_paid) - toInt64(gmv_refunded) AS gmv_net,
  if(orders_paid = 0, NULL, gmv_paid / orders_paid) AS average_order_value,
  if(gmv_paid = 0, NULL, gmv_refunded / gmv_paid) AS refund_rate_amount
FROM broadcast_product_sales_counters FINAL;

CREATE OR REPLACE VIEW group_1m AS
SELECT
  group_id,
  window_start,
  messages,
  staff_messages,
  members,
  staff,
  last_record_at
FROM group_1m_counters FINAL;

CREATE OR REPLACE VIEW buyer_day AS
SELECT
  room_id,
  user_id,
  day,
  orders_paid,
  first_paid_at,
  last_paid_at,
  last_record_at
FROM buyer_day_counters FINAL;

CREATE OR REPLACE VIEW broadcast_sales AS
SELECT
  room_id,
  broadcast_id,
  currency,
  * EXCEPT (room_id, broadcast_id, currency, audience),
  audience,
  toInt64(gmv_paid) - toInt64(gmv_refunded) AS gmv_net,
  if(orders_paid = 0, NULL, gmv_paid / orders_paid) AS average_order_value,
  if(gmv_paid = 0, NULL, gmv_refunded / gmv_paid) AS refund_rate_amount,
  if(audience = 0, NULL, (gmv_paid * 1000) / audience) AS gpm,
  if(audience = 0, NULL, gmv_paid / audience) AS uv_value
FROM (
  SELECT
    room_id, broadcast_id, currency,
    sum(orders_paid) AS orders_paid, sum(units_paid) AS units_paid, sum(gmv_paid) AS gmv_paid,
    sum(refunds) AS refunds, sum(gmv_refunded) AS gmv_refunded, max(last_record_at) AS last_record_at
  FROM broadcast_product_sales_counters FINAL GROUP BY room_id, broadcast_id, currency
) AS sales
LEFT JOIN (SELECT room_id, broadcast_id, audience FROM broadcast) AS audiences USING (room_id, broadcast_id);
