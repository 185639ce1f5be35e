-- The minutes in which most changed: viewers who came or went, and orders, against the minute before.
WITH {{minutes}}
SELECT minute AS moved_at, round(watching) AS average_audience, watching - watching_before AS audience_change, orders AS orders_paid, toInt64(orders) - toInt64(orders_before) AS orders_change
FROM (
  SELECT
    minute, watching, orders,
    lagInFrame(watching, 1, watching) OVER by_time AS watching_before,
    lagInFrame(orders, 1, orders) OVER by_time AS orders_before
  FROM (
    SELECT minutes.minute AS minute, sum(minutes.watching) AS watching, sum(m.orders_paid) AS orders
    FROM minutes
    LEFT JOIN (
      SELECT room_id, window_start, orders_paid FROM room_1m_counters FINAL
      WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
    ) AS m ON m.room_id = minutes.room_id AND m.window_start = minutes.minute
    GROUP BY minute
  )
  WINDOW by_time AS (ORDER BY minute ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
ORDER BY abs(audience_change) / (1 + watching_before) + abs(orders_change) / (10 + orders_before) DESC
LIMIT 12
