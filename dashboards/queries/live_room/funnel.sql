-- Distinct users by how far they came in the broadcasts that are on.
WITH current AS (
  SELECT * FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND last_record_at >= $__fromTime_ms
  ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1 BY room_id
)
SELECT step.1 AS funnel_step, step.2 AS users
FROM (
  SELECT arrayJoin([
    ('1 watch', sum(if(viewers > 0, viewers, active_users))), ('2 see a product', sum(exposed_users)), ('3 click', sum(click_users)),
    ('4 cart', sum(cart_users)), ('5 pay', sum(paying_users))
  ]) AS step
  FROM current
)
ORDER BY funnel_step
