"""The records that every contender reads: as the simulator's in mix and size, with rooms, users and texts as asked.

There are no dead letters among them, and nothing is late: what remains to be decided is only whether a copy counts. Copies and
records out of order come as the simulator makes them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count, islice
from random import Random

import orjson

from pipelines.recording import Record
from pipelines.simulate import SimulationSettings
from pipelines.simulate.catalogue import COMMENTS
from pipelines.simulate.faults import Faults
from pipelines.simulate.world import STEP_MS, Fact
from tests.bench.events import RATE, SEED

MIX = {"view": 665, "like": 137, "product": 102, "comment": 77, "group_message": 14, "order": 5}
"""Parts of a thousand: what the simulator sends over minutes."""
_WITHOUT_ROOM = 0.1
"""Share of group messages that name no room."""
_SOURCES = ("feed",) * 6 + ("follow",) * 3 + ("paid", "search", "share", "community")
_STATUSES = ("created",) * 10 + ("paid",) * 8 + ("cancelled", "refunded")


@dataclass(frozen=True)
class Shape:
    """What the records are like."""

    events: int = 1_000_000
    rooms: int = 20
    users: int = 50_000
    """Each is in one room. With the other defaults who is there does 1.5 things in a window, as in the simulation."""
    skew: float = 1.0
    """Zipf's exponent: the n-th room has 1 / n**skew of the users of the first. 0: all alike."""
    text: int | None = None
    """Characters of a comment; None: those of the simulator, about eight."""


def records(shape: Shape, start_ms: int) -> Iterator[Record]:
    """The records in the order of sending; the same for the same shape and start."""
    return islice(_sent(shape, start_ms), shape.events)


def _sent(shape: Shape, start_ms: int) -> Iterator[Record]:
    settings = SimulationSettings(start_ms=start_ms, seed=SEED, rate=RATE, duplicates=0.02, disorder=0.05, late=0, malformed=0)
    faults = Faults(settings, run_id=f"f{start_ms // 1_000:x}")
    random, tails = Random(f"{SEED} family"), _Tails(shape)
    numbers = count(1)
    per_step = int(RATE * STEP_MS / 1_000 / (1 + settings.duplicates))
    for step in count():
        kinds = random.choices(tuple(MIX), tuple(MIX.values()), k=per_step)
        facts: list[Fact] = []
        for place, topic, number in zip(range(per_step), kinds, numbers, strict=False):
            key, tail = tails.draw(topic, number)
            facts.append((start_ms + step * STEP_MS + place * STEP_MS // per_step, number, topic, key, 0, tail))
        yield from faults.send(facts, step)


class _Tails:
    """What an event says behind its time, by topic: fields, lengths and order as the simulator has them."""

    def __init__(self, shape: Shape) -> None:
        self._random = Random(f"{SEED} tails")
        self._users = shape.users
        ends = list(accumulate(number**-shape.skew for number in range(1, shape.rooms + 1)))
        self._rooms = [f"room-{bisect_right(ends, (user + 0.5) / shape.users * ends[-1]) + 1:02d}" for user in range(shape.users)]
        """By user."""
        self._texts = COMMENTS
        if length := shape.text:
            endless = "".join(map(orjson.loads, COMMENTS)) * (length // 50 + 2)
            self._texts = tuple(orjson.dumps(endless[begin : begin + length]).decode() for begin in range(50))

    def draw(self, topic: str, number: int) -> tuple[str, str]:
        """The key of one more record of the topic, and its tail."""
        draw, choice = self._random.random, self._random.choice
        user = int(draw() * self._users)
        room, user_id = self._rooms[user], f"u{user:07d}"
        head = (
            f',"schema_version":1,"platform":"douyin","room_id":"{room}","stream_id":"{room}-20261101200000","user_id":"{user_id}"'
        )
        if topic == "view":
            action = "heartbeat" if draw() < 0.89 else choice(("enter", "leave"))
            return room, f'{head},"action":"{action}","source":"{choice(_SOURCES)}"}}'
        if topic == "like":
            return room, f'{head},"count":{1 + int(draw() * 16)}}}'
        if topic == "product":
            action = "expose" if draw() < 0.78 else choice(("click", "click", "click", "cart"))
            return room, f'{head},"action":"{action}","product_id":"p-{room}-{int(draw() * 9):02d}"}}'
        if topic == "comment":
            return room, f'{head},"text":{choice(self._texts)}}}'
        if topic == "group_message":
            group = f"group-{room}-{user % 3}"
            if user % 10 < 10 * _WITHOUT_ROOM:
                head = f',"schema_version":1,"platform":"douyin","user_id":"{user_id}"'
            return group, f'{head},"group_id":"{group}","text":{choice(COMMENTS)},"role":"member"}}'
        quantity = 1 + int(draw() * 4)
        product = f'"order_id":"o-{SEED}-{number}","product_id":"p-{room}-{int(draw() * 9):02d}","quantity":{quantity}'
        money = f'"amount":{quantity * int(100 + draw() * 30_000)},"currency":"CNY","status":"{choice(_STATUSES)}"'
        return user_id, f'{head},{product},{money},"source":"{choice(_SOURCES)}"}}'
