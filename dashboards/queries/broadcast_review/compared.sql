-- The newest of the chosen broadcasts against the five of its room before it: of its kind, as an inferred audience cannot be compared with
-- an exact one, nor a room's day, to which events that name no broadcast belong, with a broadcast.
WITH
  every AS (
    SELECT
      room_id, broadcast_id, (viewers > 0, startsWith(broadcast_id, 'day:')) AS kind,
      if(viewers > 0, first_view_at, first_activity_at) AS began_at,
      if(viewers > 0, viewers, active_users) AS audience, interacting_users, comments, click_users, paying_users, orders_paid,
      toInt64(orders_paid) - toInt64(repeat_orders) AS new_buyers, orders_refunded
    FROM broadcast_counters FINAL
    WHERE room_id IN (${room:sqlstring}) AND viewers + interacting_users + paying_users > 0
  ),
  (SELECT argMax((room_id, broadcast_id, began_at, kind), began_at) FROM every WHERE broadcast_id IN (${broadcast:sqlstring})) AS this
SELECT row.1 AS review_metric, row.2 AS this_broadcast, row.3 AS five_before, row.2 / nullIf(row.3, 0) - 1 AS change
FROM (
  SELECT arrayJoin([
    ('viewers', toFloat64(t.audience), p.audience),
    ('interaction rate', t.interacting_users / nullIf(t.audience, 0), p.interacting_users / nullIf(p.audience, 0)),
    ('comments', toFloat64(t.comments), p.comments),
    ('click rate', t.click_users / nullIf(t.audience, 0), p.click_users / nullIf(p.audience, 0)),
    ('conversion rate', t.paying_users / nullIf(t.audience, 0), p.paying_users / nullIf(p.audience, 0)),
    ('orders paid', toFloat64(t.orders_paid), p.orders_paid),
    ('new buyers', toFloat64(t.new_buyers), p.new_buyers)
  ]) AS row
  FROM (SELECT * FROM every WHERE (room_id, broadcast_id) = (this.1, this.2)) AS t
  CROSS JOIN (
    SELECT
      avg(e.audience) AS audience, avg(e.interacting_users) AS interacting_users, avg(e.comments) AS comments, avg(e.click_users) AS click_users,
      avg(e.paying_users) AS paying_users, avg(e.orders_paid) AS orders_paid, avg(e.new_buyers) AS new_buyers
    FROM (
      SELECT * FROM every WHERE room_id = this.1 AND began_at < this.3 AND kind = this.4 AND broadcast_id != this.2 ORDER BY began_at DESC LIMIT 5
    ) AS e
  ) AS p
)
