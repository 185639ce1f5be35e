-- Average viewers by minute, beside what the rooms' broadcasts of the 14 days before had at the same minute after their start.
-- Of the same rooms: those that had such broadcasts, or all where none had.
SELECT time, sum(watching) AS average_audience, nullIf(sum(usual), 0) AS usual_audience
FROM (
  SELECT time, watching, usual, had_past = max(had_past) OVER () AS is_compared
  FROM (
    SELECT
      room_id, dateDiff('minute', began, window_start) AS minutes_ahead, maxIf(window_start, is_on) AS time, any(has_past) AS had_past,
      sumIf(viewer_slots, is_on) / 6 AS watching, avgOrNullIf(viewer_slots, NOT is_on) / 6 AS usual
    FROM broadcast_concurrency_1m_counters FINAL
    INNER JOIN (
      SELECT
        room_id, broadcast_id, toStartOfMinute(first_view_at) AS began, began = max(began) OVER (PARTITION BY room_id) AS is_on,
        count() OVER (PARTITION BY room_id) > 1 AS has_past
      FROM broadcast_counters FINAL
      WHERE room_id IN (${room:sqlstring}) AND began >= $__toTime - INTERVAL 14 DAY AND began <= $__toTime
    ) AS broadcasts USING (room_id, broadcast_id)
    WHERE room_id IN (${room:sqlstring}) AND window_start >= $__toTime - INTERVAL 14 DAY AND window_start <= $__toTime
    GROUP BY room_id, minutes_ahead
    HAVING countIf(is_on) > 0
  )
  WHERE $__timeFilter(time) AND time < toStartOfMinute(now())
)
WHERE is_compared
GROUP BY time ORDER BY time
