-- Errors that ClickHouse has counted since it started, the latest first.
SELECT name AS error, value AS error_count, last_error_time AS last_at, substring(last_error_message, 1, 160) AS error_message
FROM system.errors
WHERE last_error_time >= $__fromTime
ORDER BY last_error_time DESC
LIMIT 20
