-- Seconds since the last checkpoint that was completed, or since the job started when none was.
SELECT job AS subject, if(completed <= 0, uptime, toUnixTimestamp(now()) - completed) AS value
FROM (
  SELECT
    job,
    argMaxIf(flink_metric.value, inserted_at, metric = 'uptime') / 1000 AS uptime,
    argMaxIf(flink_metric.value, inserted_at, metric = 'lastCheckpointCompletedTimestamp') / 1000 AS completed
  FROM flink_metric
  WHERE metric IN ('uptime', 'lastCheckpointCompletedTimestamp') AND inserted_at >= now() - INTERVAL 2 MINUTE
  GROUP BY job
)
ORDER BY subject
