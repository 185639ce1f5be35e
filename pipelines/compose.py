"""The configuration files of the containers in `deploy/compose`, from the templates of the local stack."""

from __future__ import annotations

from pathlib import Path

import deploy.compose
from pipelines.settings import Settings
from pipelines.stack.roles import password_variable, roles
from pipelines.stack.site import ClickHouseUser, Listener, Site, fill

GENERATED = Path(deploy.compose.__file__).parent / "generated"

SETTINGS = Settings.model_validate(
    {
        "kafka": "kafka:9092",
        "flink": "jobmanager:8081",
        "clickhouse": "clickhouse:9000",
        "clickhouse_user": "livepulse",
        "kafka_port": 19_092,
    }
)
"""What `compose.yaml` gives to livepulse's own containers, and the port by which this machine reaches Kafka; not the
environment of whoever generates."""

_EVERYWHERE = ("::/0",)  # compose publishes no port of ClickHouse; inside its network passwords decide

SITE = Site(
    listens="0.0.0.0",
    kafka_listeners=(
        Listener("PLAINTEXT", ":9092", SETTINGS.kafka_address),
        # For producers on this machine, which reach a container by a published port only.
        Listener("LOOPBACK", f":{SETTINGS.kafka_port}", f"127.0.0.1:{SETTINGS.kafka_port}"),
    ),
    kafka_controller="kafka:9093",
    kafka_data="/var/lib/kafka/data",
    clickhouse_data="/var/lib/clickhouse",
    clickhouse_users_file="/etc/clickhouse-server/users.xml",
    clickhouse_port=9_000,
    clickhouse_http_port=8_123,
    clickhouse_users=(
        ClickHouseUser(SETTINGS.clickhouse_user, _EVERYWHERE, password_variable=password_variable("admin")),
        *(ClickHouseUser(n, _EVERYWHERE, password_variable=password_variable(n), role=n) for n in roles() if n != "admin"),
    ),
    clickhouse_as_library=False,
    clickhouse_needs_default=False,
    jobmanager="jobmanager",
    taskmanager="",
    flink_port=8_081,
    flink_rpc_port=6_123,
    zookeeper="zookeeper:2181",
    zookeeper_port=2_181,
    zookeeper_data="/var/lib/flink/zookeeper",
    flink="/var/lib/flink",
    flink_figures_to="http://clickhouse:8123/",
    flink_figures_as="jobs",
    python="/opt/livepulse/bin/python",
)

_TEMPLATES = (
    "kafka/server.properties",
    "clickhouse/config.xml",
    "clickhouse/users.xml",
    "flink/zoo.cfg",
    "flink/config.yaml",
    "flink/log4j-console.properties",
)


def files() -> dict[Path, str]:
    """Path -> content of every file that the containers mount."""
    return {GENERATED / template: fill(template, SITE, SETTINGS) for template in _TEMPLATES}
