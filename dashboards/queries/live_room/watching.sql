-- Viewers in each 10 s. A window that is filling shows at least what the 20 s before it had, so that the number does not fall back.
WITH least(now(), $__toTime) AS until
SELECT time, if(time > now() - INTERVAL 15 SECOND, max(watching) OVER last_three, watching) AS audience
FROM (
  SELECT window_start AS time, sum(room_10s.audience) AS watching
  FROM room_10s
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
  GROUP BY time
  UNION ALL
  -- Nobody any more: without these, the last number would stand there for as long as the time range reaches back to it.
  SELECT arrayJoin([newest + 10, until]) AS time, 0 AS watching
  FROM (SELECT max(window_start) AS newest FROM room_10s_counters WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start))
  WHERE newest > 0 AND newest < until - INTERVAL 30 SECOND
)
WINDOW last_three AS (ORDER BY toUnixTimestamp(time) RANGE BETWEEN 20 PRECEDING AND CURRENT ROW)
ORDER BY time
