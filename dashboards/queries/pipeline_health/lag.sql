-- Records in Kafka that Flink has not read yet, by topic.
SELECT time, topic, sum(pending) AS consumer_lag
FROM (
  SELECT
    $__timeInterval(inserted_at) AS time,
    extract(operator, '([a-z_]+)_record$') AS topic,
    subtask,
    max(value) AS pending
  FROM flink_metric
  WHERE metric = 'pendingRecords' AND $__timeFilter(inserted_at)
  GROUP BY time, topic, subtask
)
GROUP BY time, topic
ORDER BY time, topic
