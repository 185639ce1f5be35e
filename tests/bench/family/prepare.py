"""Puts the records into the event topics."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass

from pipelines.cli.progress import Progress, Rate, duration
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.topics import create_missing
from tests.bench.events import start_of
from tests.bench.family.inputs import Shape, records
from tests.bench.family.recount import Recount
from tests.bench.offsets import Log, Offsets
from tests.judge.tables import Rows


@dataclass(frozen=True)
class Prepared:
    """What is in the event topics, and what must come out."""

    records: Counter[str]
    copies: Counter[str]
    """By topic; copies are among the records."""
    ends: Offsets
    """Of the partitions that have records."""
    every: Rows
    """All records count."""
    once: Rows
    """Copies do not."""


def prepare(settings: Settings, shape: Shape) -> Prepared:
    """Sends the records while they are recounted."""
    create_missing(settings)
    recount, speed = Recount(), Rate()

    def line(seconds: float, since: float) -> str:
        sent = recount.records.total()
        return f"{duration(seconds)}  {sent:,} of {shape.events:,} records sent and counted, {speed.since(sent, since):,.0f}/s"

    gc.set_threshold(100_000, 50, 100)  # millions of objects that stay: the collector would look at them again and again
    with Progress(line) as progress, Sender(settings.kafka_address, tick=progress.tick) as sender:
        for record in records(shape, start_of(shape.events)):
            sender.send(record.topic, record.key, record.value, record.timestamp_ms)
            recount.add(record)
            if not sender.sent % 1_000:
                progress.tick()
    if sender.failed:
        raise RuntimeError(f"Kafka did not take every record: {dict(sender.errors)}")
    ends = {partition: end for partition, end in Log(settings).event_ends().items() if end}
    return Prepared(recount.records, recount.copies, ends, recount.rows(once=False), recount.rows(once=True))
