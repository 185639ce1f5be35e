-- Seconds of silence of rooms that had 20 viewers or more a few minutes ago, while something else is heard. Not of those whose viewers left:
-- of who was there in the room's last minute, 20 or more and at least half did not say that they leave. Not of those whose views arrive and
-- are not counted, which is stale_data.
WITH silent AS (
  SELECT room_id, newest
  FROM (
    -- Rows of viewers alone: in the room's own counters the newest record may be of its chat group, which lives on.
    SELECT room_id, max(last_record_at) AS newest, max(peak_concurrency) AS audience
    FROM broadcast_concurrency_1m_counters
    WHERE window_start >= now() - INTERVAL 10 MINUTE
    GROUP BY room_id
  )
  WHERE audience >= 20 AND newest < now64(3) - INTERVAL 30 SECOND AND (
    SELECT max(last_record_at) FROM room_10s_counters WHERE window_start >= now() - INTERVAL 10 MINUTE
  ) >= now64(3) - INTERVAL 30 SECOND
)
SELECT room_id AS subject, dateDiff('millisecond', newest, now64(3)) / 1000 AS value
FROM silent
INNER JOIN (
  SELECT room_id, countIf(last_action != 'leave') AS stayed, count() AS people
  FROM (
    SELECT
      room_id, argMax(action, (event_time, _offset)) AS last_action, max(event_time) AS seen_at,
      max(max(event_time)) OVER (PARTITION BY room_id) AS room_seen_at,
      max(max(received_at)) OVER (PARTITION BY room_id) AS room_received_at
    FROM view_event
    WHERE room_id IN (SELECT room_id FROM silent) AND event_time >= now64(3) - INTERVAL 11 MINUTE
    GROUP BY room_id, user_id
  )
  WHERE seen_at >= room_seen_at - INTERVAL 1 MINUTE AND room_received_at < now64(3) - INTERVAL 30 SECOND
  GROUP BY room_id
) AS viewers USING (room_id)
WHERE stayed >= 20 AND stayed * 2 >= people
ORDER BY subject
