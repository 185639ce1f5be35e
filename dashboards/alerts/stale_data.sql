-- Seconds since the newest record that any row has counted; no row when nothing came for six hours: nobody broadcasts.
SELECT 'all rooms' AS subject, dateDiff('millisecond', max(last_record_at), now64(3)) / 1000 AS value
FROM room_10s_counters
WHERE window_start >= now() - INTERVAL 6 HOUR
HAVING count() > 0
