-- How often each application restarted in the last ten minutes. Flink counts from 0 again when its JobManager is a new one.
SELECT job AS subject, sum(greatest(restarts - restarts_before, 0)) AS value
FROM (
  SELECT
    job, flink_metric.value AS restarts,
    lagInFrame(restarts, 1, restarts) OVER (PARTITION BY job ORDER BY inserted_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS restarts_before
  FROM flink_metric
  WHERE metric = 'numRestarts' AND inserted_at >= now() - INTERVAL 10 MINUTE
)
GROUP BY subject
ORDER BY subject
