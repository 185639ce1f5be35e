-- Records that were no valid event, by topic and reason.
SELECT _topic AS topic, reason, field, count() AS dead_letters, max(received_at) AS last_received_at
FROM dead_letter
WHERE received_at >= toDateTime64($__fromTime, 3) AND received_at <= toDateTime64($__toTime, 3)
GROUP BY topic, reason, field
ORDER BY dead_letters DESC
LIMIT 100
