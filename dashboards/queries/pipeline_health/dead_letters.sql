-- Records that were no valid event, by topic and reason.
SELECT _topic AS topic, reason, field, count() AS dead_letters, max(received_at) AS last_received_at
FROM dead_letter
WHERE $__timeFilter_ms(received_at)
GROUP BY topic, reason, field
ORDER BY dead_letters DESC
LIMIT 100
