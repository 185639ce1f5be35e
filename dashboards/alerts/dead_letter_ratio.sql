-- Dead letters of the last ten minutes for each record that Flink read of the topic meanwhile.
SELECT subject, dead / greatest(records, toFloat64(dead)) AS value
FROM (
  SELECT _topic AS subject, count() AS dead FROM dead_letter WHERE received_at >= now64(3) - INTERVAL 10 MINUTE GROUP BY subject
) AS letters
INNER JOIN (
  SELECT subject, sum(rate) * 600 AS records
  FROM (
    SELECT extract(operator, '([a-z_]+)_record$') AS subject, subtask, avg(flink_metric.value) AS rate
    FROM flink_metric
    WHERE metric = 'numRecordsInPerSecond' AND inserted_at >= now() - INTERVAL 10 MINUTE
    GROUP BY subject, subtask
  )
  GROUP BY subject
) AS topics USING (subject)
WHERE dead >= 20
ORDER BY subject
