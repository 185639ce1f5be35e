"""The loop: time moves on, things happen, and they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from pipelines.recording import Record
from pipelines.simulate.audience import Audience, People
from pipelines.simulate.chat import Chat
from pipelines.simulate.faults import Faults
from pipelines.simulate.rooms import Rooms
from pipelines.simulate.settings import SimulationSettings
from pipelines.simulate.shopping import Shopping
from pipelines.simulate.world import STEP_MS, WARM_UP_STEPS, World

EVENTS_PER_VIEWER_SECOND = 0.1566
"""What the model makes out of one viewer in one second, all topics together; measured, and held by a test."""


class Simulation:
    """One run. Iterate over `records()` once."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        viewers = settings.rate / (1 + settings.duplicates) / EVENTS_PER_VIEWER_SECOND
        self._world = World(settings)
        self._shopping = Shopping(self._world)
        self._rooms = Rooms(self._world, on_pin=self._shopping.pin)
        people = People(self._world, self._rooms, viewers)
        self._audience = Audience(self._world, self._rooms, people, viewers)
        self._chat = Chat(self._world, self._rooms, people, viewers)
        self.faults = Faults(settings, self._world.run_id)
        self._warm_up()

    def begin_at(self, start_ms: int) -> None:
        """Move all times so that the run begins then: filling many rooms takes seconds, and real time does not wait."""
        self.faults.start_ms = start_ms

    @property
    def rooms_live(self) -> int:
        """Rooms on air now."""
        return len(self._rooms.live)

    @property
    def viewers(self) -> int:
        """Visits going on now."""
        return self._audience.size

    def records(self) -> Iterator[Record]:
        """The records in the order in which they are sent; timestamps never go back."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Record]]:
        """The same, as one list for each step of the simulated time."""
        left = self.settings.events
        for batch in self._steps():
            if left is not None:
                if len(batch) >= left:
                    yield batch[:left]
                    return
                left -= len(batch)
            yield batch

    def _warm_up(self) -> None:
        for step in range(-WARM_UP_STEPS, 0):
            self._world.begin(step)
            self._rooms.advance()
            self._audience.advance(quiet=True)
            self._shopping.greet(self._audience.newcomers)
            self._world.take()

    def _steps(self) -> Iterator[list[Record]]:
        settings, world = self.settings, self._world
        duration = settings.duration_seconds
        end = None if duration is None else self.faults.start_ms + int(duration * 1_000)
        for step in count():
            if duration is not None and step * STEP_MS >= duration * 1_000:
                break
            world.begin(step)
            self._rooms.advance()
            self._audience.advance()
            self._shopping.greet(self._audience.newcomers)
            self._shopping.advance()
            self._chat.advance()
            records = self.faults.send(world.take(), step)
            if end is not None and records and records[-1].timestamp_ms >= end:
                records = [record for record in records if record.timestamp_ms < end]
            yield records
        if settings.refunds_until_ms is not None:
            yield self.faults.finish(list(self._shopping.outstanding(settings.refunds_until_ms)))
