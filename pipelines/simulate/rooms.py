"""Rooms and their broadcasts: who is on air, how big, and which product is pinned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.simulate.catalogue import ABROAD, DOMESTIC, Platform, Product, products
from pipelines.simulate.world import World

if TYPE_CHECKING:
    from pipelines.simulate.audience import Visit

SIZE_EXPONENT = 1.1
"""The room of rank n has 1 / n ** SIZE_EXPONENT of the first one's viewers."""

RAMP_MS = 120_000
"""A broadcast fills over about this long."""

PIN_SECONDS = (60, 120)
BURST_MS = 20_000
BURST_FACTOR = 5.0
"""Comments right after a pin: so many times more on top of the usual, fading over BURST_MS."""


@dataclass
class Broadcast:
    """One stretch on air."""

    start: int
    end: int
    stream_id: str
    next_pin: int


@dataclass
class Room:
    """A room that lasts over broadcasts."""

    id: str
    weight: float
    platform: Platform
    products: list[Product]
    knows_stream: bool
    """Some producers do not name the broadcast."""
    opens_at: int
    broadcast: Broadcast | None = None
    closed_at: int = 0
    pinned: Product | None = None
    pinned_at: int = 0
    pins: int = 0
    visits: list[Visit] = field(default_factory=list)
    present: set[int] = field(default_factory=set)
    last_comment: int = 0

    def pull(self, now: int) -> float:
        """Share of all viewers that this room draws now, before it is set against the other rooms'."""
        if self.broadcast is None:
            return 0.0
        return self.weight * min(1.0, max(0.05, (now - self.broadcast.start) / RAMP_MS))

    def excitement(self, now: int) -> float:
        """How much more than usual is being written."""
        since = now - self.pinned_at
        return 1.0 + BURST_FACTOR * (1.0 - since / BURST_MS) if self.pinned and since < BURST_MS else 1.0

    def head(self, user_id: str) -> str:
        """The fields that a user's events in this room begin with, behind the time."""
        stream = f',"stream_id":"{self.broadcast.stream_id}"' if self.broadcast and self.knows_stream else ""
        return f',"schema_version":1,"platform":"{self.platform.name}","room_id":"{self.id}"{stream},"user_id":"{user_id}"'


class Rooms:
    """All rooms, and the plan of their broadcasts."""

    def __init__(self, world: World, on_pin: Callable[[Room], None]) -> None:
        self._world, self._on_pin = world, on_pin
        count, digits = world.settings.rooms, max(2, len(str(world.settings.rooms)))
        random, start = world.random, world.settings.start_ms
        self.all: list[Room] = []
        for index in range(count):
            identity = f"{world.settings.room_prefix}-{index + 1:0{digits}d}"
            platform = ABROAD if index % 8 == 6 else DOMESTIC
            room = Room(
                id=identity,
                weight=1 / (index + 1) ** SIZE_EXPONENT,
                platform=platform,
                products=products(random, identity, platform),
                knows_stream=index % 8 != 4,
                opens_at=start,
            )
            self.all.append(room)
            if count >= 4 and index == count - 1:
                room.opens_at = start + random.randint(10_000, 30_000)  # so that even a short run sees one open
            elif index >= 4 and random.random() < 0.15:
                room.opens_at = start + self._pause()
            else:
                length = self._length()
                # At most four fifths over: a run of a minute should rarely see its biggest room close.
                self._open(room, start - int(random.uniform(0.1, 0.8) * length), length)

    @property
    def live(self) -> list[Room]:
        """The rooms on air."""
        return [room for room in self.all if room.broadcast]

    def advance(self) -> None:
        """Open, close and pin what the plan says for this step."""
        random, now = self._world.random, self._world.now
        for room in self.all:
            broadcast = room.broadcast
            if broadcast is None:
                if now >= room.opens_at:
                    self._open(room, now, self._length())
            elif now >= broadcast.end:
                room.broadcast, room.pinned, room.closed_at = None, None, now
                room.opens_at = now + self._pause()
            elif now >= broadcast.next_pin:
                room.pinned = room.products[room.pins % len(room.products)]
                room.pins += 1
                room.pinned_at = now
                broadcast.next_pin = now + int(random.uniform(*PIN_SECONDS) * 1_000)
                self._on_pin(room)

    @property
    def _mean_length(self) -> float:
        return self._world.settings.broadcast_minutes * 60_000

    def _pause(self) -> int:
        # A room on its own would leave the whole simulation silent.
        return int(self._world.random.uniform(0.1, 0.3) * self._mean_length) if len(self.all) > 1 else 30_000

    def _length(self) -> int:
        return int(self._world.random.uniform(0.5, 1.5) * self._mean_length)

    def _open(self, room: Room, start: int, length: int) -> None:
        day = datetime.fromtimestamp(start / 1_000, UTC)
        first_pin = max(start, self._world.now) + int(self._world.random.uniform(0, PIN_SECONDS[1]) * 1_000)
        room.broadcast = Broadcast(start, start + length, f"{room.id}-{day:%Y%m%d%H%M%S}", first_pin)
