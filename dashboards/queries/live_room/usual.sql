-- Average viewers by minute, beside what the rooms' broadcasts of the 14 days before had at the same minute after their start.
SELECT minute AS time, sum(watching) AS average_audience, nullIf(sum(usual), 0) AS usual_audience
FROM (
  SELECT
    minute, watching, broadcast_id = latest AS is_on,
    avgOrNullIf(watching, broadcast_id != latest) OVER (PARTITION BY room_id, dateDiff('minute', began, minute)) AS usual
  FROM (
    SELECT
      room_id, broadcast_id, toStartOfMinute(window_start) AS minute, sum(viewers) / 6 AS watching,
      min(minute) OVER (PARTITION BY room_id, broadcast_id) AS began,
      argMax(broadcast_id, minute) OVER (PARTITION BY room_id) AS latest
    FROM broadcast_10s_counters FINAL
    WHERE room_id IN (${room:sqlstring}) AND window_start >= $__toTime - INTERVAL 14 DAY AND window_start <= $__toTime
    GROUP BY room_id, broadcast_id, minute
  )
)
WHERE is_on AND $__timeFilter(minute) AND minute < toStartOfMinute(now())
GROUP BY time ORDER BY time
