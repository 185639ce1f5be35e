"""Whether Kafka, Flink and ClickHouse answer: the question is asked in their own protocols."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.errors import UserError
from pipelines.quiet import quiet
from pipelines.settings import Settings

_TIMEOUT = 3.0


@dataclass(frozen=True)
class Health:
    """The answer of one service, or why there is none."""

    service: str
    address: str
    ok: bool
    detail: str
    seconds: float
    task_slots: int | None = None
    """Flink only: how many slots its TaskManagers offer; None when the JobManager itself does not answer."""


def kafka_health(settings: Settings) -> Health:
    """Healthy when a broker answers a metadata request."""
    return _asked("kafka", settings.kafka_address, lambda: _ask_kafka(settings))


def flink_health(settings: Settings) -> Health:
    """Healthy when the JobManager answers and a TaskManager with slots has registered."""
    started = time.monotonic()
    address = settings.flink_address
    try:
        with urllib.request.urlopen(f"http://{address}/overview", timeout=_TIMEOUT) as answer:
            overview = json.load(answer)
        slots = int(overview["slots-total"])
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        # Another service may listen there, with another protocol or other pages.
        return Health("flink", address, False, _reason(error), time.monotonic() - started)
    if slots == 0:
        return Health("flink", address, False, "no TaskManager has registered", time.monotonic() - started, slots)
    detail = f"Flink {overview.get('flink-version', '?')}, {overview.get('slots-available', '?')} of {slots} slots free"
    return Health("flink", address, True, detail, time.monotonic() - started, slots)


def clickhouse_health(settings: Settings) -> Health:
    """Healthy when ClickHouse answers a query of our user."""
    return _asked("clickhouse", settings.clickhouse_address, lambda: _ask_clickhouse(settings))


CHECKS: dict[str, Callable[[Settings], Health]] = {"kafka": kafka_health, "clickhouse": clickhouse_health, "flink": flink_health}


def require(settings: Settings, *services: str) -> None:
    """Raise a `UserError` that says what to do when one of these services does not answer."""
    for service in services:
        health = CHECKS[service](settings)
        if not health.ok:
            raise away(settings, service, health.detail)


def away(settings: Settings, service: str, detail: str) -> UserError:
    """The error for a service that does not answer."""
    variable = f"LIVEPULSE_{service.upper()}"
    if getattr(settings, service):
        hint = f"{variable} sets this address: correct it, or unset it to use the local stack (livepulse up)."
    else:
        hint = f"Start it: livepulse up {service}    (or set {variable} to the address of an existing one)"
    return UserError(f"{service} does not answer at {getattr(settings, f'{service}_address')}: {detail}.", hint)


def _asked(service: str, address: str, ask: Callable[[], str]) -> Health:
    started = time.monotonic()
    try:
        _connect(address)
        detail = ask()
    except Exception as error:  # the clients have many ways to fail, and each means: no answer
        return Health(service, address, False, _reason(error), time.monotonic() - started)
    return Health(service, address, True, detail, time.monotonic() - started)


def _connect(address: str) -> None:
    """Fail fast while nobody listens: the clients would retry until their timeout."""
    host, _, port = address.split(",")[0].strip().rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT).close()


def _ask_kafka(settings: Settings) -> str:
    from kafka.admin import KafkaAdminClient

    from pipelines.kafka import kafka_python

    limit = int(_TIMEOUT * 1000)
    with quiet("kafka"):
        client = KafkaAdminClient(**kafka_python(settings), bootstrap_timeout_ms=limit, request_timeout_ms=limit)
        try:
            brokers = len(client.describe_cluster()["brokers"])
        finally:
            client.close()
    if not brokers:
        raise ValueError("no broker has registered")
    return f"{brokers} broker{'s' if brokers > 1 else ''}"


def _ask_clickhouse(settings: Settings) -> str:
    from clickhouse_driver import Client

    from pipelines.clickhouse import address

    with quiet("clickhouse_driver"):
        client = Client(
            **address(settings),
            connect_timeout=_TIMEOUT,
            send_receive_timeout=_TIMEOUT,
            sync_request_timeout=_TIMEOUT,
        )
        try:
            ((version,),) = client.execute("SELECT version()")
        finally:
            client.disconnect()
    return f"ClickHouse {version}"


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError) or isinstance(getattr(error, "reason", None), ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removesuffix(".")
