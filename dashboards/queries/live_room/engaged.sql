-- The chosen rooms' broadcasts that are on: shares and averages over all of their viewers so far, and the most they had at once.
WITH {{current}}
SELECT
  if(sum(audience) = 0, NULL, sum(interacting_users) / sum(audience)) AS interaction_rate,
  if(sum(audience) = 0, NULL, sum(if(viewers > 0, viewer_slots * 10, active_minutes * 60)) / sum(audience)) AS average_watch_seconds,
  if(sum(audience) = 0, NULL, sum(comments + likes) / sum(audience)) AS interactions_per_viewer,
  sum(audience) AS broadcast_audience,
  (
    -- Not known, rather than 0, where no views are told.
    SELECT maxOrNull(watching) FROM (
      SELECT sum(viewers) AS watching FROM broadcast_10s_counters FINAL
      WHERE (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
        AND window_start >= (SELECT min(toStartOfMinute(first_view_at)) FROM current)
      GROUP BY window_start
    )
  ) AS peak_concurrency
FROM current
-- Not the view `broadcast`, which adds up the minutes of every broadcast that there was.
LEFT JOIN (
  SELECT room_id, broadcast_id, sum(m.viewer_slots) AS viewer_slots
  FROM broadcast_concurrency_1m_counters AS m FINAL
  WHERE (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
    AND window_start >= (SELECT min(toStartOfMinute(first_view_at)) FROM current)
  GROUP BY room_id, broadcast_id
) AS slots USING (room_id, broadcast_id)
LEFT JOIN (
  SELECT room_id, broadcast_id, sum(active_users) AS active_minutes
  FROM broadcast_1m_counters FINAL
  WHERE (room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current WHERE viewers = 0)
  GROUP BY room_id, broadcast_id
) AS minutes USING (room_id, broadcast_id)
