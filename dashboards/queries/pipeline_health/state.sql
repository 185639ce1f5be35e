-- Does it run, is it fresh, is it right: the newest figures, of several applications the worst.
SELECT
  (
    SELECT if(count() = 0, NULL, dateDiff('millisecond', max(last_record_at), now64(3)) / 1000) FROM room_10s_counters
    WHERE window_start >= now() - INTERVAL 10 MINUTE
  ) AS freshness_seconds,
  (
    SELECT if(count() = 0, NULL, min(uptime)) FROM (
      SELECT argMax(value, inserted_at) / 1000 AS uptime FROM flink_metric
      WHERE metric = 'uptime' AND inserted_at >= now() - INTERVAL 2 MINUTE GROUP BY job
    )
  ) AS job_uptime,
  (
    SELECT if(count() = 0, NULL, max(times)) FROM (
      SELECT argMax(value, inserted_at) AS times FROM flink_metric
      WHERE metric = 'numRestarts' AND inserted_at >= now() - INTERVAL 2 MINUTE GROUP BY job
    )
  ) AS restarts,
  (
    SELECT if(countIf(completed > 0) = 0, NULL, toUnixTimestamp(now()) - minIf(completed, completed > 0) / 1000) FROM (
      SELECT argMax(value, inserted_at) AS completed FROM flink_metric
      WHERE metric = 'lastCheckpointCompletedTimestamp' AND inserted_at >= now() - INTERVAL 2 MINUTE GROUP BY job
    )
  ) AS checkpoint_age,
  (
    SELECT if(count() = 0, NULL, max(pending)) FROM (
      SELECT job, sum(lag) AS pending FROM (
        SELECT job, argMax(value, inserted_at) AS lag FROM flink_metric
        WHERE metric = 'pendingRecords' AND inserted_at >= now() - INTERVAL 1 MINUTE GROUP BY job, operator, subtask
      )
      GROUP BY job
    )
  ) AS consumer_lag,
  (SELECT count() FROM dead_letter WHERE received_at >= now64(3) - INTERVAL 10 MINUTE) AS dead_letters_10m,
  (SELECT if(count() = 0, NULL, sum(lost + extra + wrong)) FROM verify_result WHERE checked_at = (SELECT max(checked_at) FROM verify_result)) AS verify_differences,
  (SELECT if(count() = 0, NULL, dateDiff('second', max(checked_at), now())) FROM verify_result) AS verify_age_seconds
