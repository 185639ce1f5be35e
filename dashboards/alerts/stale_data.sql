-- Seconds by which the newest counted record is behind the newest stored one, which ClickHouse reads without Flink: 0 when nobody sends.
-- More than six hours are told as six. The same for the views of the last minutes: a job of their own counts them, and the records of
-- others would hide that it stands still.
-- Timestamps of the future are of a clock that is ahead, and would hide everything until then.
WITH now64(3) + INTERVAL 5 SECOND AS soon, now64(3) - INTERVAL 6 HOUR AS at_most
SELECT
  'all rooms' AS subject,
  greatest(dateDiff('millisecond', counted, received), dateDiff('millisecond', views_counted, views_received)) / 1000 AS value
FROM (
  SELECT greatest(maxIf(newest, newest <= soon), at_most) AS counted
  -- A window with such a timestamp has counted something all the same, at its start or later.
  FROM (SELECT if(last_record_at <= soon, last_record_at, window_start) AS newest FROM room_10s_counters WHERE window_start >= now() - INTERVAL 6 HOUR)
) AS counters
CROSS JOIN (
  SELECT greatest(maxIf(newest, newest <= soon), at_most) AS views_counted
  FROM (
    SELECT if(last_record_at <= soon, last_record_at, window_start) AS newest FROM broadcast_concurrency_1m_counters
    WHERE window_start >= now() - INTERVAL 6 HOUR
  )
) AS view_counters
CROSS JOIN (
  -- No WHERE on the event tables: so the newest is known of each part without reading it. What is merged with such a timestamp is left
  -- out with it; new parts come all the time. Not group messages: those of no room move no room's counters.
  SELECT maxIf(newest, newest <= soon) AS received
  FROM (
    SELECT _part, max(received_at) AS newest FROM view_event GROUP BY _part
    UNION ALL SELECT _part, max(received_at) AS newest FROM comment_event GROUP BY _part
    UNION ALL SELECT _part, max(received_at) AS newest FROM like_event GROUP BY _part
    UNION ALL SELECT _part, max(received_at) AS newest FROM product_event GROUP BY _part
    UNION ALL SELECT _part, max(received_at) AS newest FROM order_event GROUP BY _part
  )
) AS events
CROSS JOIN (
  -- Of those that are counted. Without a bound for `event_time`, which the table is sorted by in a room, whole days would be read.
  SELECT max(received_at) AS views_received
  FROM view_event
  WHERE received_at >= now64(3) - INTERVAL 3 MINUTE AND received_at <= soon AND event_time >= now64(3) - INTERVAL 15 MINUTE
    AND action != 'leave' AND NOT is_late
) AS views
