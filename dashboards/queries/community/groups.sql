-- Groups by messages in the time range. Members are of the busiest minute: distinct people of several minutes do not add up.
SELECT
  group_id,
  sum(g.messages) AS messages,
  -- From the range's start to its end, so that rows have one time axis.
  sparkbar(24, toUnixTimestamp($__fromTime), toUnixTimestamp($__toTime))(toUnixTimestamp(window_start), g.messages) AS message_trend,
  max(g.members) AS members,
  if(sum(g.messages) = 0, NULL, sum(g.staff_messages) / sum(g.messages)) AS staff_share,
  max(window_start) AS last_message_at,
  if(maxIf(window_start, g.staff_messages > 0) = 0, NULL, dateDiff('minute', maxIf(window_start, g.staff_messages > 0), max(window_start))) AS minutes_without_staff
FROM group_1m_counters AS g FINAL
WHERE $__timeFilter(window_start)
GROUP BY group_id
ORDER BY messages DESC, group_id
LIMIT 100
