"""What every part of the model shares: the clock, the random numbers, what happened and what is due."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from hashlib import blake2b
from random import Random

from pipelines.simulate.settings import SimulationSettings

STEP_MS = 200
"""The model moves in steps this long: short enough to pace by, long enough that idle rooms cost nothing."""

WARM_UP_STEPS = 120_000 // STEP_MS
"""The model lives through so many steps before the start, unheard: products are pinned and carts full from the first second."""

Fact = tuple[int, int, str, str, int, str]
"""Something that happened: time, number, topic, key, clock skew of who reports it, and the event's JSON behind the time.

A tuple with the number second, so that sorting by time costs nothing and never compares further."""

Action = Callable[[int], None]
"""Something to do at a time, which it is given."""


class World:
    """The state that is not any part's own."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        self.random = Random(f"{settings.seed} model")
        self.step = -WARM_UP_STEPS
        self.now = settings.start_ms + self.step * STEP_MS
        """Where the current step begins."""
        self.facts: list[Fact] = []
        self.serial = 0
        """Number of the last fact; with `run_id` it makes the event's id."""
        identity = f"{settings.seed} {settings.start_ms} {settings.rate} {settings.rooms} {settings.room_prefix}"
        self.run_id = blake2b(identity.encode(), digest_size=5).hexdigest()
        """Tells this run's ids from those of other seeds and times."""
        self._agenda: defaultdict[int, list[tuple[int, Action]]] = defaultdict(list)

    def emit(self, time: int, topic: str, key: str, skew: int, tail: str) -> int:
        """Note that something happened in this step, and return its number."""
        self.serial += 1
        self.facts.append((time, self.serial, topic, key, skew, tail))
        return self.serial

    def at(self, time: int, action: Action) -> None:
        """Do something at a time to come; what is already past is done in this step."""
        step = max(self.step, (time - self.settings.start_ms) // STEP_MS)
        self._agenda[step].append((time, action))

    def within_step(self) -> int:
        """Any moment of this step."""
        return self.now + int(self.random.random() * STEP_MS)

    def begin(self, step: int) -> None:
        """Move the clock and do what is due."""
        self.step = step
        self.now = self.settings.start_ms + step * STEP_MS
        due = self._agenda[step]
        for time, action in due:  # an action may add to the list that is being walked
            action(time)
        del self._agenda[step]

    def take(self) -> list[Fact]:
        """What happened in this step, in the order of time."""
        facts, self.facts = self.facts, []
        facts.sort()
        return facts


def poisson(random: Random, mean: float) -> int:
    """How often something happens that happens `mean` times on average."""
    if mean <= 0:
        return 0
    if mean > 30:  # close enough to normal, and exp(-mean) would vanish
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count
