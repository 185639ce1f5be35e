-- activity_session: inferred visits, for rooms without view events: a run of a user's comments, likes, orders and group
-- messages in which no two neighbours are more than ${activity_gap_seconds} s apart. What a user watched before the first and
-- after the last of them is not known: lengths are lower bounds.
CREATE OR REPLACE VIEW activity_session AS
SELECT
  room_id,
  user_id,
  argMin(broadcast_id, event_time) AS broadcast_id,
  min(event_time) AS started_at,
  max(event_time) AS ended_at,
  dateDiff('millisecond', started_at, ended_at) / 1000 AS seconds,
  count() AS activities
FROM (
  SELECT
    *, sum(starts) OVER (PARTITION BY room_id, user_id ORDER BY event_time) AS session
  FROM (
    SELECT
      room_id, user_id, broadcast_id, event_time,
      dateDiff('second', lagInFrame(event_time, 1, toDateTime64(0, 3, 'UTC')) OVER (
        PARTITION BY room_id, user_id ORDER BY event_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
      ), event_time) > ${activity_gap_seconds} AS starts
    FROM (
      SELECT room_id, user_id, broadcast_id, event_time FROM comment_counted
      UNION ALL SELECT room_id, user_id, broadcast_id, event_time FROM like_counted
      UNION ALL SELECT room_id, user_id, broadcast_id, event_time FROM group_message_counted WHERE room_id != ''
      UNION ALL SELECT room_id, user_id, broadcast_id, event_time FROM order_counted WHERE status IN ('created', 'paid')
    )
  )
)
GROUP BY room_id, user_id, session
