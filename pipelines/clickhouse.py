"""The connection to ClickHouse."""

from __future__ import annotations

from clickhouse_driver import Client

from pipelines.settings import Settings


def connect(settings: Settings, database: str | None = None) -> Client:
    """A client of the configured ClickHouse, in the configured database unless another is named."""
    host, _, port = settings.clickhouse_address.rpartition(":")
    return Client(
        host=host,
        port=int(port),
        user=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=database if database is not None else settings.clickhouse_database,
        client_name="livepulse",
        connect_timeout=5,
        settings={"use_client_time_zone": False},
    )
