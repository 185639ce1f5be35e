-- Records in Kafka that Flink has not read, by topic.
SELECT subject, sum(pending) AS value
FROM (
  SELECT extract(operator, '([a-z_]+)_record$') AS subject, subtask, argMax(flink_metric.value, inserted_at) AS pending
  FROM flink_metric
  WHERE metric = 'pendingRecords' AND inserted_at >= now() - INTERVAL 1 MINUTE
  GROUP BY subject, subtask
)
GROUP BY subject
ORDER BY subject
