-- The chosen rooms together: now, in the last five complete minutes, and the rates of the broadcasts that are on. A room with nothing but
-- chat in its groups is not live.
WITH {{current}}, {{present}}, (SELECT (sum(audience), sum(interacting_users), sum(paying_users)) FROM current) AS so_far
SELECT
  (SELECT sum(present.watching) FROM present) AS watching,
  uniqExactIf(room_id, viewers + interacting_users + m.paying_users > 0) AS rooms_live,
  sum(m.comments) / 5 AS comments_per_minute,
  sum(m.orders_paid) / 5 AS orders_per_minute,
  if(so_far.1 = 0, NULL, so_far.2 / so_far.1) AS interaction_rate,
  if(so_far.1 = 0, NULL, so_far.3 / so_far.1) AS conversion_rate
FROM (
  SELECT room_id, viewers, interacting_users, paying_users, comments, orders_paid FROM room_1m_counters FINAL
  WHERE room_id IN (${room:sqlstring})
    AND window_start >= toStartOfMinute(now()) - INTERVAL 5 MINUTE AND window_start < toStartOfMinute(now())
) AS m
