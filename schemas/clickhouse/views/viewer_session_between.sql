-- viewer_session_between(first_day, last_day): each visit of a viewer to a room that started on these days of the configured time
-- zone, from view events: start, end, length. For example
--   SELECT * FROM viewer_session_between(first_day = '2026-03-31', last_day = '2026-03-31') WHERE room_id = 'room-01'
-- A session starts with an `enter`, or with the first heartbeat after a `leave` or after a silence of more than
-- ${session_gap_seconds} s. It ends with its `leave`, which is believed however long it was silent before, else with its last
-- heartbeat. A `leave` that nobody entered for is no session. Events that came late are left out, as in every counter, and so is
-- what happened later than the day after `last_day`.
CREATE OR REPLACE VIEW viewer_session_between AS
WITH
  toDateTime64({first_day:Date}, 3, '${time_zone}') AS since,
  toDateTime64({last_day:Date} + 1, 3, '${time_zone}') AS until
SELECT
  room_id,
  user_id,
  visit.1 AS broadcast_id,
  visit.2 AS source,
  fromUnixTimestamp64Milli(intDiv(session[1], 4), 'UTC') AS started_at,
  fromUnixTimestamp64Milli(intDiv(if(has_left, arrayFirst(event -> event % 4 = 3, session), session[-1]), 4), 'UTC') AS ended_at,
  dateDiff('millisecond', started_at, ended_at) / 1000 AS seconds,
  session[-1] % 4 = 3 AS has_left
FROM (
  WITH
    groupArray((broadcast_id, source, events)) AS visits,
    arraySort(arrayDistinct(arrayFlatten(groupArray(events)))) AS every
  SELECT
    room_id, user_id,
    arraySplit(
      (event, before) -> event % 4 = 1 OR (event % 4 = 2 AND (before % 4 = 3 OR intDiv(event, 4000) - intDiv(before, 4000) > ${session_gap_seconds})),
      every, arrayPushFront(arrayPopBack(every), 3)
    ) AS sessions,
    arrayMap(session -> arrayFirst(visit -> has(visit.3, session[1]), visits), sessions) AS visits_of_sessions
  FROM (
    -- An event as one number, time and action: 1 enter, 2 heartbeat, 3 leave. So a whole day's fit into memory, and sort in this order.
    SELECT
      room_id, user_id, broadcast_id, source,
      groupArray(toUnixTimestamp64Milli(event_time) * 4 + indexOf(['enter', 'heartbeat', 'leave'], action)) AS events
    FROM view_event
    WHERE NOT is_late
      AND event_time >= since - INTERVAL ${session_gap_seconds} + 1 SECOND AND event_time < until + INTERVAL 1 DAY
      -- What this follows for when it was received, by which the table is split.
      AND received_at >= since - INTERVAL ${session_gap_seconds} + 1 SECOND - INTERVAL ${future_ms} MILLISECOND
      AND received_at < until + INTERVAL 1 DAY + INTERVAL ${lateness_ms} MILLISECOND
    GROUP BY room_id, user_id, broadcast_id, source
  )
  GROUP BY room_id, user_id
)
ARRAY JOIN sessions AS session, visits_of_sessions AS visit
WHERE session[1] % 4 != 3 AND started_at >= since AND started_at < until
