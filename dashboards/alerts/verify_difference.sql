-- Records and rows that the last verify of the last hour found lost, extra or wrong.
SELECT subject, lost + extra + wrong AS value
FROM verify_result
WHERE checked_at = (SELECT max(checked_at) FROM verify_result) AND checked_at >= now() - INTERVAL 1 HOUR
ORDER BY subject
