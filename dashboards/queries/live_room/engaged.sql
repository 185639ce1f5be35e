-- The chosen rooms' broadcasts that are on: shares and averages over all of their viewers so far.
WITH current AS (
  SELECT room_id, broadcast_id FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND last_record_at >= $__fromTime
  ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1 BY room_id
)
SELECT
  if(sum(audience) = 0, NULL, sum(interacting_users) / sum(audience)) AS interaction_rate,
  if(sum(audience) = 0, NULL, sum(watch_seconds) / sum(audience)) AS average_watch_seconds,
  if(sum(audience) = 0, NULL, sum(comments + likes) / sum(audience)) AS interactions_per_viewer,
  sum(broadcast.audience) AS broadcast_audience,
  sum(broadcast.peak_concurrency) AS peak_concurrency
FROM broadcast
WHERE room_id IN (${room:sqlstring}) AND (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
