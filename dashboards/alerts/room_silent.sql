-- Seconds of silence of rooms that had 20 viewers or more a few minutes ago, while other rooms are heard. Not of those whose viewers left:
-- of who was there in the room's last minute, 20 or more and at least half did not say that they leave.
WITH silent AS (
  SELECT room_id, newest
  FROM (
    SELECT room_id, max(last_record_at) AS newest, max(viewers) AS audience, max(max(last_record_at)) OVER () AS newest_of_all
    FROM room_10s_counters
    WHERE window_start >= now() - INTERVAL 10 MINUTE
    GROUP BY room_id
  )
  WHERE audience >= 20 AND newest_of_all >= now64(3) - INTERVAL 30 SECOND AND newest < now64(3) - INTERVAL 30 SECOND
)
SELECT room_id AS subject, dateDiff('millisecond', newest, now64(3)) / 1000 AS value
FROM silent
INNER JOIN (
  SELECT room_id, countIf(last_action != 'leave') AS stayed, count() AS people
  FROM (
    SELECT
      room_id, argMax(action, (event_time, _offset)) AS last_action, max(event_time) AS seen_at,
      max(max(event_time)) OVER (PARTITION BY room_id) AS room_seen_at
    FROM view_event
    WHERE room_id IN (SELECT room_id FROM silent) AND event_time >= now64(3) - INTERVAL 11 MINUTE
    GROUP BY room_id, user_id
  )
  WHERE seen_at >= room_seen_at - INTERVAL 1 MINUTE
  GROUP BY room_id
) AS viewers USING (room_id)
WHERE stayed >= 20 AND stayed * 2 >= people
ORDER BY subject
