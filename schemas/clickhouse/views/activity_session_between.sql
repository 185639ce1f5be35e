-- activity_session_between(first_day, last_day): inferred visits that started on these days of the configured time zone, for rooms
-- without view events: a run of a user's comments, likes, orders and group messages in which no two neighbours are more than
-- ${activity_gap_seconds} s apart. For example
--   SELECT * FROM activity_session_between(first_day = '2026-03-31', last_day = '2026-03-31') WHERE room_id = 'room-01'
-- What a user watched before the first and after the last of them is not known: lengths are lower bounds. Events that came late are
-- left out, and so is what happened later than the day after `last_day`.
CREATE OR REPLACE VIEW activity_session_between AS
WITH
  toDateTime64({first_day:Date}, 3, '${time_zone}') AS since,
  toDateTime64({last_day:Date} + 1, 3, '${time_zone}') AS until
SELECT
  room_id,
  user_id,
  session[1].2 AS broadcast_id,
  session[1].1 AS started_at,
  session[-1].1 AS ended_at,
  dateDiff('millisecond', started_at, ended_at) / 1000 AS seconds,
  length(session) AS activities
FROM (
  WITH arraySort(groupArray(activity)) AS every
  SELECT
    room_id, user_id,
    arraySplit(
      (activity, before) -> dateDiff('second', before.1, activity.1) > ${activity_gap_seconds},
      every, arrayPushFront(arrayPopBack(every), every[1])
    ) AS sessions
  FROM (
    -- Of copies the first counts. They are looked for among the user's own, so that one room can be read alone.
    SELECT room_id, user_id, argMin((event_time, broadcast_id), (_partition, _offset)) AS activity
    FROM (
      SELECT room_id, user_id, event_time, broadcast_id, _topic, _partition, _offset, received_at, event_id AS fact
      FROM comment_event WHERE NOT is_late
      UNION ALL SELECT room_id, user_id, event_time, broadcast_id, _topic, _partition, _offset, received_at, event_id
      FROM like_event WHERE NOT is_late
      UNION ALL SELECT room_id, user_id, event_time, broadcast_id, _topic, _partition, _offset, received_at, event_id
      FROM group_message_event WHERE NOT is_late AND room_id != ''
      UNION ALL SELECT room_id, user_id, event_time, broadcast_id, _topic, _partition, _offset, received_at, concat(status, ' ', order_id)
      FROM order_event WHERE NOT is_late AND status IN ('created', 'paid')
    )
    WHERE event_time >= since - INTERVAL ${activity_gap_seconds} + 1 SECOND AND event_time < until + INTERVAL 1 DAY
      -- What this follows for when it was received, by which the tables are split.
      AND received_at >= since - INTERVAL ${activity_gap_seconds} + 1 SECOND - INTERVAL ${future_ms} MILLISECOND
      AND received_at < until + INTERVAL 1 DAY + INTERVAL ${lateness_ms} MILLISECOND
    GROUP BY room_id, user_id, _topic, fact
  )
  GROUP BY room_id, user_id
)
ARRAY JOIN sessions AS session
WHERE started_at >= since AND started_at < until
