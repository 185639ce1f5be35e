"""The prepared events, and what must come out of them."""

from __future__ import annotations

import gc
import time
from collections import Counter
from dataclasses import dataclass

from pipelines.cli.progress import Progress, Rate, duration
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from pipelines.topics import create_missing
from tests.judge.recompute import Judge
from tests.judge.tables import Tables

SEED = 20_261_122
RATE = 4_000
ROOMS = 20
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Prepared:
    """What is in the event topics."""

    records: Counter[str]
    late: Counter[str]
    dead: Counter[str]
    """By topic, as an independent judge of each record has it."""
    duplicates: int
    disordered: int
    simulated_seconds: float
    tables: Tables
    """What the judge counted: every counter of ADR 2."""

    @property
    def total(self) -> int:
        return self.records.total()


def prepare(settings: Settings, events: int) -> Prepared:
    """Sends a simulation to the event topics while an independent judge recounts it."""
    create_missing(settings)
    model = SimulationSettings(
        start_ms=start_of(events), seed=SEED, rate=RATE, rooms=ROOMS, events=events,
        duplicates=0.02, disorder=0.05, late=0.01, malformed=0.005,
        lateness_seconds=settings.lateness_seconds, future_seconds=settings.future_seconds,
    )  # fmt: skip
    simulation = Simulation(model)
    judge = Judge(time_zone=settings.time_zone, lateness_seconds=settings.lateness_seconds, future_seconds=settings.future_seconds)
    records: Counter[str] = Counter()
    late: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    speed = Rate()

    def line(seconds: float, since: float) -> str:
        sent = records.total()
        return f"{duration(seconds)}  {sent:,} of {events:,} events sent and judged, {speed.since(sent, since):,.0f}/s"

    gc.set_threshold(100_000, 50, 100)  # millions of objects that stay: the collector would look at them again and again
    with Progress(line) as progress, Sender(settings.kafka_address, tick=progress.tick) as sender:
        for batch in simulation.batches():
            for record in batch:
                sender.send(record.topic, record.key, record.value, record.timestamp_ms)
                verdict = judge.read(record)
                records[record.topic] += 1
                if verdict.kind == "late":
                    late[record.topic] += 1
                elif verdict.kind == "dead_letter":
                    dead[record.topic] += 1
            if batch:
                last = batch[-1].timestamp_ms
            progress.tick()
    if sender.failed:
        raise RuntimeError(f"Kafka did not take every event: {dict(sender.errors)}")
    faults = simulation.faults
    return Prepared(records, late, dead, faults.duplicates, faults.disordered, (last - model.start_ms) / 1_000, judge.tables())


def start_of(events: int) -> int:
    """A full hour, so long ago that the last event is not in the future."""
    now_ms = time.time() * 1_000
    return int((now_ms - 1_300 * events / RATE - 10_000) // HOUR_MS * HOUR_MS)
