-- viewer_session: each visit of a viewer to a room, from view events: start, end, length.
-- A session starts with an `enter`, or with the first heartbeat after a `leave` or after a silence of more than
-- ${session_gap_seconds} s. It ends with its `leave`, which is believed however long it was silent before, else with its last
-- heartbeat. A `leave` that nobody entered for is no session. Events that came late are left out, as in every counter.
CREATE OR REPLACE VIEW viewer_session AS
SELECT
  room_id,
  user_id,
  argMin(broadcast_id, event_time) AS broadcast_id,
  argMin(source, event_time) AS source,
  min(event_time) AS started_at,
  max(event_time) AS ended_at,
  dateDiff('millisecond', started_at, ended_at) / 1000 AS seconds,
  max(action = 'leave') AS has_left
FROM (
  SELECT *, sum(starts) OVER (PARTITION BY room_id, user_id ORDER BY event_time, action, _partition, _offset) AS session
  FROM (
    SELECT
      room_id, user_id, broadcast_id, source, action, event_time, _partition, _offset,
      lagInFrame(action, 1, 'leave') OVER before AS action_before,
      lagInFrame(event_time, 1, event_time) OVER before AS time_before,
      action = 'enter'
        OR (action = 'heartbeat' AND (action_before = 'leave' OR dateDiff('second', time_before, event_time) > ${session_gap_seconds}))
        AS starts,
      action = 'leave' AND action_before = 'leave' AS is_alone
    FROM (SELECT * FROM view_counted LIMIT 1 BY room_id, user_id, event_time, action)
    WINDOW before AS (PARTITION BY room_id, user_id ORDER BY event_time, action, _partition, _offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
  )
  WHERE NOT is_alone
)
GROUP BY room_id, user_id, session
