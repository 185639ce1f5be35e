-- Tables by the number of their parts: many small parts mean that merging cannot keep up.
SELECT table AS storage_table, count() AS parts, max(parts_of_partition) AS parts_of_a_partition, sum(rows) AS stored_rows, sum(bytes) AS stored_bytes
FROM (
  SELECT table, partition_id, rows, bytes_on_disk AS bytes, count() OVER (PARTITION BY table, partition_id) AS parts_of_partition
  FROM system.parts WHERE active AND database = currentDatabase()
)
GROUP BY storage_table
ORDER BY parts DESC, storage_table
