"""Every setting, read from the environment (`LIVEPULSE_*`) and an `.env` file in the current folder."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_MOST_PORT = 65_535


def _addresses(text: str) -> str:
    for one in text.split(",") if text else ():  # an empty one is as none
        found = _ADDRESS.fullmatch(one.strip())
        if found is None or not 1 <= int(found["port"]) <= _MOST_PORT:
            raise ValueError(f"{one!r} is no address host:port, for example 127.0.0.1:9092")
    return text


def _address(text: str) -> str:
    if "," in text:
        raise ValueError(f"{text!r} is no single address host:port")
    return _addresses(text)


def _known_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"{name!r} is no time zone of the IANA database, for example Asia/Shanghai")
    return name


def _long_enough(key: SecretStr) -> SecretStr:
    if 0 < len(key.get_secret_value()) < 16:
        raise ValueError("a key of fewer than 16 characters can be guessed; make one: openssl rand -base64 32")
    return key


Port = Annotated[int, Field(ge=1, le=_MOST_PORT)]
Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """Where the services are and how events are judged.

    An address that is set (`kafka`, `flink`, `clickhouse`) means an existing service: it is used and never
    started or stopped. One that is not set means the local stack's own, on the ports given here.
    """

    model_config = SettingsConfigDict(env_prefix="LIVEPULSE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=Path.home() / ".livepulse", description="Data, logs and configuration of the local stack.")
    components: Path = Field(
        default=Path.home() / ".cache" / "livepulse", description="Jars and the ClickHouse engine that `livepulse install` gets."
    )

    kafka: Annotated[str, AfterValidator(_addresses)] | None = Field(
        default=None, description="Bootstrap address host:port of an existing Kafka; several with commas between them."
    )
    flink: Address | None = Field(default=None, description="REST address host:port of an existing Flink JobManager.")
    clickhouse: Address | None = Field(default=None, description="Native address host:port of an existing ClickHouse.")

    kafka_port: Port = 19_092
    kafka_controller_port: Port = 19_093
    kafka_library_port: Port = Field(
        default=19_094, description="With LIVEPULSE_SECURE, for ClickHouse's engine as a library: it cannot speak TLS to Kafka."
    )
    flink_port: Port = Field(default=18_081, description="Flink's web page and REST.")
    flink_rpc_port: Port = 16_123
    zookeeper_port: Port = Field(default=12_181, description="Where Flink keeps what it needs to come back with its jobs.")
    clickhouse_port: Port = Field(default=19_000, description="ClickHouse's native protocol.")
    clickhouse_http_port: Port = 18_123
    board_port: Port = Field(default=13_000, description="The board in a browser.")
    board_host: str = Field(
        default="127.0.0.1", description="Where the board listens; elsewhere than on loopback it needs a token."
    )
    board_token: SecretStr = Field(default=SecretStr(""), description="What the board asks of those who open it.")

    clickhouse_database: str = Field(default="livepulse", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    clickhouse_user: str = "default"
    clickhouse_password: SecretStr = SecretStr("")
    clickhouse_ingest_password: SecretStr = SecretStr("")
    clickhouse_jobs_password: SecretStr = SecretStr("")
    clickhouse_dashboards_password: SecretStr = SecretStr("")
    clickhouse_analyst_password: SecretStr = SecretStr("")

    secure: bool = Field(
        default=False,
        description="Kafka by SASL/SCRAM over TLS, ClickHouse by TLS: clients ask for it, and the local stack offers it.",
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of who signed Kafka's and ClickHouse's certificates; the local stack's when not set."
    )
    kafka_user: str = Field(default="livepulse", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    kafka_password: SecretStr = SecretStr("")

    grafana_url: str | None = Field(default=None, description="The Grafana that `livepulse dashboards push` sends to.")
    grafana_token: SecretStr = SecretStr("")

    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="UTC", description="Zone whose midnight ends a day: events without stream_id, days of repurchase."
    )
    lateness_seconds: int = Field(default=3_600, ge=1, description="Older than this when the broker got it: late.")
    future_seconds: int = Field(default=300, ge=1, description="Further ahead than this when the broker got it: dead letter.")
    session_gap_seconds: int = Field(default=60, ge=10, description="Silence of a viewer's heartbeats that ends a session.")
    activity_gap_seconds: int = Field(default=300, ge=10, description="Silence of a user's activity that ends an inferred session.")
    event_ttl_days: int = Field(default=90, ge=1, description="Days that stored events and the pipeline's own figures are kept.")
    dead_letter_ttl_days: int = Field(
        default=30, ge=1, description="Days that dead letters are kept: whole records, whatever is in them."
    )
    person_ttl_days: int = Field(
        default=1_095,
        ge=1,
        description="Days that counters of single people (buyer_day) are kept after they last changed: how long `all time` is.",
    )
    pseudonym_key: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        default=SecretStr(""),
        description="Key by which `livepulse replay` makes pseudonyms of user ids; not set: they are sent as they are.",
    )

    parallelism: int = Field(default=2, ge=1)
    taskmanager_memory_mb: int = Field(default=3_072, ge=1_024, description="Memory of the local Flink TaskManager's process.")
    mini_batch_ms: int = Field(default=500, ge=10, description="How long Flink gathers changes before it emits them.")
    metric_flush_ms: int = Field(default=200, ge=10, description="How long ClickHouse gathers metrics before it inserts them.")
    event_flush_ms: int = Field(
        default=2_000,
        ge=10,
        description="How long ClickHouse gathers events before it stores them: no live number waits for it, and each insert costs.",
    )
    checkpoint_seconds: int = Field(
        default=30,
        ge=1,
        description="How much Flink reads again after a crash, which changes no number. Each checkpoint writes state to disk.",
    )
    state_ttl_hours: int = Field(
        default=48,
        ge=2,
        description="How long windows are remembered: longer than a broadcast, the lateness and an outage together.",
    )

    @property
    def kafka_address(self) -> str:
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def flink_address(self) -> str:
        return self.flink or f"127.0.0.1:{self.flink_port}"

    @property
    def clickhouse_address(self) -> str:
        return self.clickhouse or f"127.0.0.1:{self.clickhouse_port}"


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
