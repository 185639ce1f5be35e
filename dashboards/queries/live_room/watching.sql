-- Viewers in each 10 s. A window that is filling shows at least what the two before it had, so that the number does not fall back.
SELECT time, if(time > now() - INTERVAL 15 SECOND, max(watching) OVER last_three, watching) AS audience
FROM (
  SELECT window_start AS time, sum(room_10s.audience) AS watching
  FROM room_10s
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
  GROUP BY time
)
WINDOW last_three AS (ORDER BY time ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
ORDER BY time
