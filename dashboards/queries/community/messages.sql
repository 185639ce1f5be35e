-- Messages of all groups in each interval, and those of the hosts' staff.
SELECT $__timeInterval(window_start) AS time, sum(g.messages) AS messages, sum(g.staff_messages) AS staff_messages
FROM group_1m_counters AS g FINAL
WHERE $__timeFilter(window_start)
GROUP BY time ORDER BY time
