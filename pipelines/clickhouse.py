"""The connection to ClickHouse."""

from __future__ import annotations

import re
from typing import Any

from clickhouse_driver import Client

from pipelines.kafka import ca_file
from pipelines.settings import Settings
from pipelines.stack.components import clickhouse_is_library
from pipelines.stack.secrets import role_password

_STACK_TRACE = re.compile(r"Stack trace:|\s0\. \S+ @ 0x")
"""How one begins: in what a Kafka queue last failed with, without a word before it."""


def connect(settings: Settings, database: str | None = None, role: str = "admin") -> Client:
    """A client of the configured ClickHouse, in the configured database unless another is named.

    Args:
        role: as whose user; as the configured one, who may do everything, where the role's has no password.
    """
    # Boards' statements have 5 s: who hangs for longer does not answer.
    patience = {"send_receive_timeout": 10} if role == "dashboards" else {}
    return Client(
        **address(settings, role),
        **patience,
        database=database if database is not None else settings.clickhouse_database,
        client_name="livepulse",
        connect_timeout=5,
        settings={"use_client_time_zone": False},
    )


def address(settings: Settings, role: str = "admin") -> dict[str, Any]:
    """Arguments of clickhouse-driver's client: where ClickHouse is, and how to log in."""
    host, _, port = settings.clickhouse_address.rpartition(":")
    own = role != "admin" and role_password(settings, role)
    found: dict[str, Any] = {
        "host": host.strip("[]"),
        "port": int(port),
        "user": role if own else settings.clickhouse_user,
        "password": own or settings.clickhouse_password.get_secret_value(),
    }
    return found | ({"secure": True, "verify": True, "ca_certs": ca_file(settings)} if speaks_tls(settings) else {})


def in_one_line(said: str) -> str:
    """What ClickHouse says of an error, without its stack trace and the class of its errors."""
    return " ".join(_STACK_TRACE.split(said, 1)[0].replace("DB::Exception: ", "", 1).split())


def speaks_tls(settings: Settings) -> bool:
    """Whether ClickHouse is asked by TLS. Its engine as a library can only listen without, which is on loopback then."""
    return settings.secure and not clickhouse_is_library(settings)
