-- Viewers in each 10 s; over a long range, the most of them in each interval. A window that is filling shows at least what the two before it
-- had, so that the number does not fall back.
SELECT $__timeInterval(began) AS time, max(watching) AS audience
FROM (
  SELECT began, if(began > now() - INTERVAL 15 SECOND, max(viewers) OVER last_three, viewers) AS watching
  FROM (
    SELECT window_start AS began, sum(room_10s.audience) AS viewers
    FROM room_10s
    WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
    GROUP BY began
  )
  WINDOW last_three AS (ORDER BY began ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
)
GROUP BY time ORDER BY time
