-- Events a second that Flink reads, by topic.
SELECT time, topic, sum(rate) AS events_per_second
FROM (
  SELECT
    $__timeInterval(inserted_at) AS time,
    extract(operator, '([a-z_]+)_record$') AS topic,
    subtask,
    avg(value) AS rate
  FROM flink_metric
  WHERE metric = 'numRecordsInPerSecond' AND operator LIKE 'Source: %' AND $__timeFilter(inserted_at)
  GROUP BY time, topic, subtask
)
GROUP BY time, topic
ORDER BY time, topic
