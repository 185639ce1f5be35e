-- Average viewers by minute, beside what the rooms' broadcasts of the 14 days before had at the same minute after their start.
WITH
  minutes AS (
    SELECT
      room_id, broadcast_id, toStartOfMinute(window_start) AS minute, sum(viewers) / 6 AS watching,
      min(minute) OVER (PARTITION BY room_id, broadcast_id) AS began
    FROM broadcast_10s_counters FINAL
    WHERE room_id IN (${room:sqlstring}) AND window_start >= $__toTime - INTERVAL 14 DAY AND window_start <= $__toTime
    GROUP BY room_id, broadcast_id, minute
  ),
  current AS (SELECT room_id, argMax(broadcast_id, minute) AS broadcast_id FROM minutes GROUP BY room_id),
  past AS (
    SELECT room_id, dateDiff('minute', began, minute) AS number, avg(watching) AS usual
    FROM minutes WHERE (room_id, broadcast_id) NOT IN (SELECT room_id, broadcast_id FROM current)
    GROUP BY room_id, number
  )
SELECT minute AS time, sum(watching) AS average_audience, nullIf(sum(past.usual), 0) AS usual_audience
FROM minutes
LEFT JOIN past ON past.room_id = minutes.room_id AND past.number = dateDiff('minute', minutes.began, minutes.minute)
WHERE (minutes.room_id, broadcast_id) IN (SELECT room_id, broadcast_id FROM current)
  AND $__timeFilter(minute) AND minute < toStartOfMinute(now())
GROUP BY time ORDER BY time
