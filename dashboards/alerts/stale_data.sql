-- Seconds by which the newest counted record is behind the newest stored one, which ClickHouse reads without Flink: 0 when nobody sends.
-- More than six hours are told as six. No WHERE on the event tables: so the newest is known of each part without reading it.
SELECT 'all rooms' AS subject, dateDiff('millisecond', counted, received) / 1000 AS value
FROM (
  SELECT greatest(max(last_record_at), now64(3) - INTERVAL 6 HOUR) AS counted FROM room_10s_counters WHERE window_start >= now() - INTERVAL 6 HOUR
) AS counters
CROSS JOIN (
  -- Not group messages: those of no room move no room's counters.
  SELECT max(newest) AS received
  FROM (
    SELECT max(received_at) AS newest FROM view_event
    UNION ALL SELECT max(received_at) AS newest FROM comment_event
    UNION ALL SELECT max(received_at) AS newest FROM like_event
    UNION ALL SELECT max(received_at) AS newest FROM product_event
    UNION ALL SELECT max(received_at) AS newest FROM order_event
  )
) AS events
