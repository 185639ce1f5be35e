-- Roles, limits and users of livepulse for a ClickHouse server, from deploy/config/clickhouse/roles.yaml.
-- No password is in it. Put the SHA-256 of each (printf %s "$PASSWORD" | sha256sum) into the environment, as
--   LIVEPULSE_CLICKHOUSE_PASSWORD_SHA256, LIVEPULSE_CLICKHOUSE_INGEST_PASSWORD_SHA256, LIVEPULSE_CLICKHOUSE_JOBS_PASSWORD_SHA256, LIVEPULSE_CLICKHOUSE_DASHBOARDS_PASSWORD_SHA256, LIVEPULSE_CLICKHOUSE_ANALYST_PASSWORD_SHA256
-- and apply it as a user that may manage users:
--   envsubst < roles.sql | clickhouse-client --user … --ask-password --multiquery

-- Tables, views and users; what livepulse migrate and verify work as.
CREATE ROLE IF NOT EXISTS livepulse_admin;
GRANT ALL ON *.* TO livepulse_admin WITH GRANT OPTION;
CREATE USER IF NOT EXISTS admin IDENTIFIED WITH sha256_hash BY '${LIVEPULSE_CLICKHOUSE_PASSWORD_SHA256}';
GRANT livepulse_admin TO admin;

-- The way of records from Kafka into tables runs as it, whoever made the views. No definitions, no deletions.
CREATE ROLE IF NOT EXISTS livepulse_ingest;
GRANT SELECT, INSERT ON livepulse.* TO livepulse_ingest;
CREATE SETTINGS PROFILE OR REPLACE livepulse_ingest SETTINGS
  max_partitions_per_insert_block = 0
TO livepulse_ingest;
CREATE USER IF NOT EXISTS ingest IDENTIFIED WITH sha256_hash BY '${LIVEPULSE_CLICKHOUSE_INGEST_PASSWORD_SHA256}';
GRANT livepulse_ingest TO ingest;

-- Flink, which reports its own figures. It reads nothing.
CREATE ROLE IF NOT EXISTS livepulse_jobs;
GRANT INSERT ON livepulse.flink_metric TO livepulse_jobs;
CREATE USER IF NOT EXISTS jobs IDENTIFIED WITH sha256_hash BY '${LIVEPULSE_CLICKHOUSE_JOBS_PASSWORD_SHA256}';
GRANT livepulse_jobs TO jobs;

-- Grafana and the board. A statement has 5 s, because an answer later than that is no use on a live board.
CREATE ROLE IF NOT EXISTS livepulse_dashboards;
GRANT SELECT ON livepulse.* TO livepulse_dashboards;
GRANT SELECT ON system.errors TO livepulse_dashboards;
GRANT SELECT ON system.kafka_consumers TO livepulse_dashboards;
GRANT SELECT ON system.parts TO livepulse_dashboards;
GRANT SELECT ON system.tables TO livepulse_dashboards;
REVOKE SELECT(raw) ON livepulse.dead_letter FROM livepulse_dashboards;
REVOKE SELECT(unfinished) ON livepulse.forgotten_user FROM livepulse_dashboards;
CREATE SETTINGS PROFILE OR REPLACE livepulse_dashboards SETTINGS
  readonly = 2 CONST,
  max_execution_time = 5 MIN 1 MAX 5,
  max_result_rows = 20000 MIN 1 MAX 20000,
  result_overflow_mode = 'throw' CONST,
  max_memory_usage = 1000000000 MIN 1 MAX 1000000000,
  max_memory_usage_for_user = 1500000000 MIN 1 MAX 1500000000,
  max_threads = 2 MIN 1 MAX 2
TO livepulse_dashboards;
CREATE USER IF NOT EXISTS dashboards IDENTIFIED WITH sha256_hash BY '${LIVEPULSE_CLICKHOUSE_DASHBOARDS_PASSWORD_SHA256}';
GRANT livepulse_dashboards TO dashboards;

-- People who write SQL. Large statements go by way of the disk or are refused, so that the boards go on.
CREATE ROLE IF NOT EXISTS livepulse_analyst;
GRANT SELECT ON livepulse.* TO livepulse_analyst;
REVOKE SELECT(raw) ON livepulse.dead_letter FROM livepulse_analyst;
REVOKE SELECT(unfinished) ON livepulse.forgotten_user FROM livepulse_analyst;
CREATE SETTINGS PROFILE OR REPLACE livepulse_analyst SETTINGS
  readonly = 2 CONST,
  max_execution_time = 60 MIN 1 MAX 60,
  max_rows_to_read = 500000000 MIN 1 MAX 500000000,
  max_bytes_to_read = 50000000000 MIN 1 MAX 50000000000,
  read_overflow_mode = 'throw' CONST,
  max_result_rows = 1000000 MIN 1 MAX 1000000,
  max_result_bytes = 1000000000 MIN 1 MAX 1000000000,
  result_overflow_mode = 'throw' CONST,
  timeout_overflow_mode = 'throw' CONST,
  max_memory_usage = 1500000000 MIN 1 MAX 1500000000,
  max_memory_usage_for_user = 1500000000 MIN 1 MAX 1500000000,
  max_bytes_before_external_group_by = 700000000 MIN 1 MAX 700000000,
  max_bytes_before_external_sort = 700000000 MIN 1 MAX 700000000,
  max_temporary_data_on_disk_size_for_query = 20000000000 MIN 1 MAX 20000000000,
  max_threads = 2 MIN 1 MAX 2,
  max_concurrent_queries_for_user = 4 MIN 1 MAX 4
TO livepulse_analyst;
CREATE USER IF NOT EXISTS analyst IDENTIFIED WITH sha256_hash BY '${LIVEPULSE_CLICKHOUSE_ANALYST_PASSWORD_SHA256}';
GRANT livepulse_analyst TO analyst;
