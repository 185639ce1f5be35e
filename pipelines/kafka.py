"""How clients reach Kafka: the options that each of the two libraries needs, and Flink's."""

from __future__ import annotations

from typing import Any

from pipelines.settings import Settings
from pipelines.stack.components import clickhouse_is_library
from pipelines.stack.layout import Layout
from pipelines.stack.secrets import FLINK_KAFKA, kafka_login

_MECHANISM = "SCRAM-SHA-512"


def kafka_python(settings: Settings) -> dict[str, Any]:
    """Arguments of kafka-python's clients: where Kafka is, and how to log in."""
    found: dict[str, Any] = {"bootstrap_servers": settings.kafka_address.split(",")}
    if settings.secure:
        found |= {
            "security_protocol": "SASL_SSL",
            "ssl_cafile": ca_file(settings),
            "sasl_mechanism": _MECHANISM,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return found


def librdkafka(settings: Settings) -> dict[str, str]:
    """Configuration of confluent-kafka's clients: how to log in, nothing where that is not needed."""
    if not settings.secure:
        return {}
    return {
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": ca_file(settings),
        "sasl.mechanism": _MECHANISM,
        "sasl.username": settings.kafka_user,
        "sasl.password": settings.kafka_password.get_secret_value(),
    }


def flink_table(settings: Settings) -> dict[str, str]:
    """Options of a Flink table over Kafka: how to log in. The password is in a file, which each task reads itself."""
    if not settings.secure:
        return {}
    options = {
        "security.protocol": "SASL_SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": ca_file(settings),
        "sasl.mechanism": _MECHANISM,
        "sasl.jaas.config": f"${{file:{kafka_login(settings)}:flink}}",
        "config.providers": "file",
        "config.providers.file.class": f"{FLINK_KAFKA}.common.config.provider.FileConfigProvider",
    }
    return {f"properties.{name}": value for name, value in options.items()}


def address_for_clickhouse(settings: Settings) -> str:
    """Where ClickHouse finds Kafka: its engine as a library cannot speak TLS, and has a listener of its own."""
    if settings.secure and clickhouse_is_library(settings):
        return f"127.0.0.1:{settings.kafka_library_port}"
    return settings.kafka_address


def ca_file(settings: Settings) -> str:
    """The certificates that clients trust, Kafka's and ClickHouse's."""
    return str(settings.ca_file.expanduser().absolute() if settings.ca_file else Layout.of(settings).certificate)
