-- From being produced to being visible: median and 99 of 100 events, the slowest job of each measurement.
SELECT $__timeInterval(inserted_at) AS time, max(freshness_result.p50) AS freshness_p50, max(freshness_result.p99) AS freshness_p99
FROM freshness_result
WHERE $__timeFilter(inserted_at)
GROUP BY time ORDER BY time
