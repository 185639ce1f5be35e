-- How long buyers of the chosen rooms took from their first order of a day to that of their next day of buying there.
SELECT
  multiIf(days = 1, '1 day', days <= 3, '2-3 days', days <= 7, '4-7 days', days <= 14, '8-14 days', days <= 30, '15-30 days', 'over 30 days') AS days_gap,
  count() AS orders_again
FROM (
  SELECT dateDiff('day', lagInFrame(day, 1, day) OVER (PARTITION BY room_id, user_id ORDER BY day), day) AS days
  FROM buyer_day_counters FINAL
  WHERE room_id IN (${room:sqlstring})
)
WHERE days > 0
GROUP BY days_gap
ORDER BY min(days)
