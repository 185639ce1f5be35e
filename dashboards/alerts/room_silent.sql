-- Seconds of silence of rooms that had 20 viewers or more a few minutes ago, while other rooms are heard.
SELECT room_id AS subject, dateDiff('millisecond', newest, now64(3)) / 1000 AS value
FROM (
  SELECT room_id, max(last_record_at) AS newest, max(viewers) AS audience, max(max(last_record_at)) OVER () AS newest_of_all
  FROM room_10s_counters
  WHERE window_start >= now() - INTERVAL 10 MINUTE
  GROUP BY room_id
)
WHERE audience >= 20 AND newest_of_all >= now64(3) - INTERVAL 30 SECOND
ORDER BY subject
