-- Records in Kafka that Flink has not read yet, by topic: of the application that has most to read.
SELECT time, topic, max(pending_of_job) AS consumer_lag
FROM (
  SELECT time, job, topic, sum(pending) AS pending_of_job
  FROM (
    SELECT
      $__timeInterval(inserted_at) AS time,
      job,
      extract(operator, '([a-z_]+)_record$') AS topic,
      subtask,
      max(value) AS pending
    FROM flink_metric
    WHERE metric = 'pendingRecords' AND $__timeFilter(inserted_at)
    GROUP BY time, job, topic, subtask
  )
  GROUP BY time, job, topic
)
GROUP BY time, topic
ORDER BY time, topic
