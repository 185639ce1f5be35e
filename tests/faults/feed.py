"""The known input: sent from a thread while something breaks, and remembered."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from pipelines.produce import Sender
from pipelines.recording import Record
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from pipelines.simulate.run import Run

Alter = Callable[[Iterator[Record]], Iterator[Record]]

RATE = 400
"""Records per second while something breaks: what is tested is what happens to them, not how many fit."""


class Feed:
    """Sends until it is stopped, each record with the time at which it leaves."""

    def __init__(self, settings: Settings, prefix: str, seed: int) -> None:
        self.records: list[Record] = []
        """All that was sent, in order."""
        self._settings = settings
        self._simulation = Simulation(SimulationSettings(start_ms=_now(), seed=seed, rate=RATE, rooms=4, room_prefix=prefix))
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._simulation.begin_at(_now())
        self._thread.start()

    def stop(self) -> list[Record]:
        """Stop, wait until Kafka has acknowledged everything, and return it."""
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self.records

    def _run(self) -> None:
        try:
            with Sender(self._settings.kafka_address) as sender:

                def send(record: Record) -> None:
                    sender.send(record.topic, record.key, record.value, record.timestamp_ms)
                    self.records.append(record)

                Run(self._simulation, send, realtime=True, idle=sender.poll, stopped=self._stop.is_set).run()
            assert sender.failed == 0, f"not delivered: {sender.errors}"
        except BaseException as error:  # it is raised again where the feed is stopped
            self._error = error


def at_once(settings: Settings, prefix: str, seed: int, streams: Sequence[Mapping[str, Any]], alter: Alter) -> list[Record]:
    """Send simulations merged by time, as fast as possible, and return what was sent."""
    simulations = [
        Simulation(
            SimulationSettings.model_validate({"start_ms": _now() - 600_000, "seed": seed, "room_prefix": f"{prefix}{n}"} | dict(s))
        )
        for n, s in enumerate(streams)
    ]
    sent = list(alter(heapq.merge(*(s.records() for s in simulations), key=attrgetter("timestamp_ms"))))
    deliver(settings, sent)
    return sent


def deliver(settings: Settings, records: Iterable[Record]) -> None:
    """Send records; each must be acknowledged."""
    with Sender(settings.kafka_address) as sender:
        for record in records:
            sender.send(record.topic, record.key, record.value, record.timestamp_ms)
    assert sender.failed == 0, f"not delivered: {sender.errors}"


def _now() -> int:
    return int(time.time() * 1_000)
