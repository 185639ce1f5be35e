-- What restarted and who was not heard of, the latest first. Flink reports every 10 s; a new JobManager does not know of restarts before it.
SELECT happened_at, happening, about
FROM (
  SELECT inserted_at AS happened_at, 'Application restarted' AS happening, job AS about
  FROM (
    SELECT job, inserted_at, value, lagInFrame(value) OVER (PARTITION BY job ORDER BY inserted_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM flink_metric
    WHERE metric = 'uptime' AND $__timeFilter(inserted_at)
  )
  WHERE value < before
  UNION ALL
  SELECT min(inserted_at), 'TaskManager started', process
  FROM flink_metric
  WHERE metric = 'Status.JVM.Memory.Heap.Max' AND startsWith(process, 'taskmanager') AND $__timeFilter(inserted_at)
  GROUP BY process
  HAVING min(inserted_at) > $__fromTime + INTERVAL 15 SECOND
  UNION ALL
  SELECT inserted_at, 'JobManager was silent', concat(toString(silence), ' s')
  FROM (
    SELECT inserted_at, dateDiff('second', lagInFrame(inserted_at, 1, inserted_at) OVER (ORDER BY inserted_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), inserted_at) AS silence
    FROM (
      SELECT DISTINCT inserted_at FROM flink_metric
      WHERE metric = 'Status.JVM.Memory.Heap.Max' AND process = 'jobmanager' AND $__timeFilter(inserted_at)
    )
  )
  WHERE silence > 14
  UNION ALL
  SELECT now() - toIntervalSecond(uptime()), 'ClickHouse started', version()
)
WHERE happened_at >= $__fromTime
ORDER BY happened_at DESC
LIMIT 20
