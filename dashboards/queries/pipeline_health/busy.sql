-- The tasks that have most to do: the share of their time that they work or wait for the next one, over the last minute.
SELECT
  if(position(task, ' -> ') > 0, concat(substring(task, 1, position(task, ' -> ') - 1), ' …'), task) AS flink_task,
  maxIf(value, metric = 'busyTimeMsPerSecond') / 1000 AS busy_share,
  maxIf(value, metric = 'backPressuredTimeMsPerSecond') / 1000 AS held_up_share
FROM flink_metric
WHERE metric IN ('busyTimeMsPerSecond', 'backPressuredTimeMsPerSecond') AND inserted_at >= now() - INTERVAL 1 MINUTE
GROUP BY task
ORDER BY busy_share DESC
LIMIT 12
