-- ClickHouse's own readers of Kafka: whether each reads, and what went wrong last.
SELECT
  table AS queue,
  sum(length(assignments.topic)) AS partitions,
  sum(num_messages_read) AS messages_read,
  max(dateDiff('second', last_poll_time, now())) AS last_poll_age,
  argMax(if(empty(exceptions.text), '', exceptions.text[-1]), last_poll_time) AS last_problem
FROM system.kafka_consumers
WHERE database = currentDatabase()
GROUP BY queue
ORDER BY last_poll_age DESC, queue
