-- From being produced to Flink's row in Kafka, and from there to ClickHouse: 99 of 100 rows of counters, all jobs together.
SELECT $__timeInterval(inserted_at) AS time, stage, quantileExactWeighted(0.99)(bucket_ms, rows) / 1000 AS stage_p99
FROM freshness_histogram
WHERE $__timeFilter(inserted_at) AND stage IN ('flink', 'storage')
GROUP BY time, stage
ORDER BY time, stage
