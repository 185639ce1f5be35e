"""The local stack: Kafka, Flink and ClickHouse as supervised processes of this machine."""
