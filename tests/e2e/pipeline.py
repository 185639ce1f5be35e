"""Sending records into the running pipeline, and waiting until it has counted them."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import orjson
from clickhouse_driver import Client

from pipelines.clickhouse import connect
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from tests.golden.case import PREFIXED
from tests.judge.clickhouse import read_tables
from tests.judge.compare import Comparison, compare
from tests.judge.tables import Tables
from tests.realdata.record import Record

T = TypeVar("T")


class Sendable(Protocol):
    """What a record must have to be sent."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> str | bytes | None: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def value(self) -> bytes: ...


def new_prefix() -> str:
    """A prefix for ids that nothing sent before has."""
    return f"{uuid.uuid4().hex[:8]}-"


def prefixed(record: Record, prefix: str) -> Record:
    """The record with ids that nothing else in the pipeline has."""
    event = orjson.loads(record.value)
    event |= {name: prefix + event[name] for name in PREFIXED if event.get(name)}
    return Record(record.topic, prefix.encode() + record.key, record.timestamp_ms, orjson.dumps(event))


def send(settings: Settings, records: Iterable[Sendable]) -> int:
    """Sends the records in their order and returns how many, all acknowledged."""
    with Sender(settings.kafka_address) as sender:
        for record in records:
            key = record.key.decode() if isinstance(record.key, bytes) else record.key
            sender.send(record.topic, key, record.value, record.timestamp_ms)
    assert sender.failed == 0, sender.errors
    return sender.sent


def broadcasts(seed: int) -> Iterable[Sendable]:
    """Fifteen thousand records of three simulated broadcasts that began five minutes ago, in rooms of their own."""
    start = int(time.time() * 1_000) - 300_000
    settings = SimulationSettings(start_ms=start, seed=seed, rate=500, rooms=3, events=15_000, room_prefix=new_prefix() + "room")
    return Simulation(settings).records()


def await_verified(cli: Callable[..., subprocess.CompletedProcess[str]], seconds: float = 120) -> None:
    """Returns when verify finds no difference."""
    wait_for(lambda: cli("verify", "--settle", "0").returncode == 0, "verify without a difference", seconds)


def wait_for(condition: Callable[[], T], what: str, seconds: float = 90) -> T:
    """The condition's first true value; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)
    return value


def await_tables(
    settings: Settings,
    wanted: Tables,
    prefix: str,
    seconds: float = 90,
    own: Callable[[Tables], Tables] = lambda t: t,
    groups: str | None = None,
) -> Comparison:
    """Reads the tables until they are as expected or the time is over; returns the last comparison.

    `prefix` is what ids of rooms begin with, and ids of groups too unless `groups` says otherwise.
    """
    client: Client = connect(settings)
    counters = {table: {counter for row in rows.values() for counter in row} for table, rows in wanted.items()}
    deadline = time.monotonic() + seconds
    try:
        while True:
            found = own(
                read_tables(
                    client,
                    settings.clickhouse_database,
                    rooms=prefix,
                    groups=prefix if groups is None else groups,
                    tables=wanted,
                    more=counters,
                )
            )
            comparison = compare(wanted, found)
            if comparison.ok or time.monotonic() > deadline:
                return comparison
            time.sleep(0.5)
    finally:
        client.disconnect()


def query(settings: Settings, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """The rows of one query."""
    client = connect(settings)
    try:
        rows: list[tuple[Any, ...]] = client.execute(sql, parameters or None)
        return rows
    finally:
        client.disconnect()
