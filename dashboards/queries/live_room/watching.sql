-- Viewers in each 10 s. A window that is filling shows at least what the 20 s before it had, so that the number does not fall back.
WITH least(now(), $__toTime) AS until
SELECT point.1 AS time, if(time > now() - INTERVAL 15 SECOND, max(point.2) OVER last_three, point.2) AS audience
FROM (
  SELECT arrayJoin(arrayConcat(
    [(start, watching)],
    -- Nobody any more: without these, the last number would stand there for as long as the time range reaches back to it.
    if(start = newest AND newest < until - INTERVAL 30 SECOND, [(newest + 10, 0), (until, 0)], [])
  )) AS point
  FROM (
    SELECT window_start AS start, sum(room_10s.audience) AS watching, max(start) OVER () AS newest
    FROM room_10s
    WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
    GROUP BY start
  )
)
WINDOW last_three AS (ORDER BY toUnixTimestamp(point.1) RANGE BETWEEN 20 PRECEDING AND CURRENT ROW)
ORDER BY time
