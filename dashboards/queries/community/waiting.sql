-- Groups in which members wrote in the last 30 minutes of the time range and no staff did.
SELECT group_id, sum(g.messages) AS messages, max(g.members) AS members, max(window_start) AS last_message_at
FROM group_1m_counters AS g FINAL
WHERE $__timeFilter(window_start) AND window_start >= $__toTime - INTERVAL 30 MINUTE
GROUP BY group_id
HAVING sum(g.staff_messages) = 0 AND sum(g.members) > 0
ORDER BY messages DESC, group_id
LIMIT 50
