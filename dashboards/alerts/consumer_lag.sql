-- Records in Kafka that an application has not read, by topic.
SELECT concat(job, ' ', topic) AS subject, sum(pending) AS value
FROM (
  SELECT job, extract(operator, '([a-z_]+)_record$') AS topic, subtask, argMax(flink_metric.value, inserted_at) AS pending
  FROM flink_metric
  WHERE metric = 'pendingRecords' AND inserted_at >= now() - INTERVAL 1 MINUTE
  GROUP BY job, topic, subtask
)
GROUP BY subject
ORDER BY subject
