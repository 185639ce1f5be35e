-- Seconds since the last verify, where it ran continuously before: five times in its last hour. Of one that is only run by hand there is no word.
SELECT 'verify' AS subject, dateDiff('second', newest, now64(3)) AS value
FROM (
  SELECT max(checked_at) AS newest FROM verify_result WHERE checked_at >= now64(3) - INTERVAL 7 DAY
) AS last
WHERE newest > toDateTime64(0, 3) AND (
  SELECT uniqExact(checked_at) FROM verify_result WHERE checked_at > (SELECT max(checked_at) FROM verify_result) - INTERVAL 1 HOUR
) >= 5
