-- How long checkpoints took, and how many failed since the job started.
SELECT $__timeInterval(inserted_at) AS time, maxIf(value, metric = 'lastCheckpointDuration' AND value > 0) / 1000 AS checkpoint_seconds, maxIf(value, metric = 'numberOfFailedCheckpoints') AS checkpoints_failed
FROM flink_metric
WHERE metric IN ('lastCheckpointDuration', 'numberOfFailedCheckpoints') AND $__timeFilter(inserted_at)
GROUP BY time ORDER BY time
