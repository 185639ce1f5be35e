-- The complete minutes of the chosen broadcasts, with who watched on average; where no watching is told, who was active.
minutes AS (
  SELECT room_id, minute, sum(watching) AS watching
  FROM (
    -- No FINAL: counters merge by max here.
    SELECT
      room_id, broadcast_id, minute, max(slots) AS viewer_slots, max(active) AS active_users,
      (room_id, broadcast_id) IN (
        SELECT room_id, broadcast_id FROM broadcast_counters WHERE room_id IN (${room:sqlstring}) AND viewers > 0
      ) AS is_exact,
      if(is_exact, viewer_slots / 6, toFloat64(active_users)) AS watching,
      -- Who pays hours later is active in a minute in which the room may have its next broadcast on: its numbers are that one's.
      viewer_slots > 0 OR (viewer_slots, active_users) = max((viewer_slots, active_users)) OVER (PARTITION BY room_id, minute) AS is_its_own
    FROM (
      SELECT room_id, broadcast_id, window_start AS minute, c.viewer_slots AS slots, 0 AS active FROM broadcast_concurrency_1m_counters AS c
      WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
      UNION ALL
      SELECT room_id, broadcast_id, window_start, 0, c.active_users FROM broadcast_1m_counters AS c
      WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
    )
    -- The room's day, of events that name no broadcast, takes no minute from one that has a name.
    WHERE minute < toStartOfMinute(now()) AND (broadcast_id IN (${broadcast:sqlstring}) OR NOT startsWith(broadcast_id, 'day:'))
    GROUP BY room_id, broadcast_id, minute
  )
  WHERE is_its_own AND broadcast_id IN (${broadcast:sqlstring})
  GROUP BY room_id, minute
)
