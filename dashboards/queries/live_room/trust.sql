-- Can these numbers be trusted: how old, how late, how complete. The newest window is provisional until it has been over for 5 s.
WITH
  (SELECT max(checked_at) FROM verify_result) AS verified_at
SELECT
  if(newest = 0, NULL, dateDiff('millisecond', newest, now64(3)) / 1000) AS freshness_seconds,
  multiIf(newest = 0, 'none', window_start > now() - INTERVAL 15 SECOND, 'provisional', 'complete') AS newest_window,
  multiIf(newest = 0, 'none', exact, 'exact', 'inferred') AS viewers_basis,
  (
    -- A day by `event_time`, which the table is sorted by in a room: what comes later than the allowed hour is what is asked for.
    SELECT if(count() = 0, NULL, countIf(is_late) / count()) FROM comment_event
    WHERE room_id IN (${room:sqlstring}) AND event_time >= now64(3) - INTERVAL 1 DAY AND received_at >= now64(3) - INTERVAL 10 MINUTE
  ) AS late_comment_share,
  (SELECT count() FROM dead_letter WHERE received_at >= now64(3) - INTERVAL 10 MINUTE) AS dead_letters_10m,
  (SELECT if(count() = 0, NULL, sum(lost + extra + wrong)) FROM verify_result WHERE checked_at = verified_at) AS verify_differences,
  if(verified_at = 0, NULL, dateDiff('second', verified_at, now())) AS verify_age_seconds
FROM (
  SELECT
    max(newest_of_window) AS newest, max(start) AS window_start,
    -- Of the newest complete window, or of the newest of all: views may have ceased to be counted a minute ago.
    argMax(is_exact, (start <= now() - INTERVAL 15 SECOND, start)) AS exact
  FROM (
    SELECT c.window_start AS start, max(c.last_record_at) AS newest_of_window, max(c.viewers) > 0 AS is_exact
    FROM room_10s_counters AS c
    WHERE room_id IN (${room:sqlstring}) AND start >= now() - INTERVAL 10 MINUTE
    GROUP BY start
  )
)
