"""Viewers: who comes and for how long, their heartbeats, their comments and likes."""

from __future__ import annotations

import math
from functools import partial

from pipelines.simulate.catalogue import ABROAD, COMMENTS, DOMESTIC, PINNED_COMMENTS, Platform
from pipelines.simulate.rooms import Room, Rooms
from pipelines.simulate.world import STEP_MS, World, poisson

BEAT_MS = 10_000
MEAN_STAY_SECONDS = 170.0
STAY_SIGMA = 1.3
"""Lognormal: half of the visits are shorter than 73 s, one in a hundred is longer than 25 minutes."""

FAN_SHARE = 0.45
FAN_STAYS, STRANGER_STAYS = 1.4, 0.67
"""Factors on the stay; weighted by the shares they make 1."""

SILENT_LEAVES = 0.15
"""Share of visits that end without a `leave`: clients die."""

SETTLE_SECONDS = 30.0
"""How fast a room moves to the size that it should have."""

COMMENTS_PER_SECOND = 0.0069
LIKES_PER_SECOND = 0.0225
"""By one viewer."""

REPLY_SHARE = 0.06
LIVELY_SHARE = 5
"""One user in so many writes most of the comments and taps most of the likes."""

SKEWED_SHARE = 5
"""One user in so many has a clock that is off."""

USERS_PER_VIEWER = 20

FAN_SOURCES = ("follow", "follow", "community")
STRANGER_SOURCES = ("feed",) * 11 + ("paid",) * 3 + ("search",) * 2 + ("share",) * 2 + ("other",)


class Visit:
    """One person in one room, from enter to leave."""

    __slots__ = ("beat", "end", "head", "lively", "offset", "place", "room", "skew", "source", "user", "user_id")

    def __init__(self, room: Room, user: int, user_id: str, source: str, end: int, offset: int, skew: int, lively: bool) -> None:
        self.room, self.user, self.user_id, self.source = room, user, user_id, source
        self.end = end
        self.offset = offset
        """Where in a step the heartbeats fall."""
        self.skew = skew
        self.lively = lively
        self.head = room.head(user_id)
        self.beat = f'{self.head},"action":"heartbeat","source":"{source}"}}'
        self.place = 0
        """Index in the room's visits."""


class People:
    """The users of the platforms. They have no state: what a user is like follows from the number."""

    def __init__(self, world: World, rooms: Rooms, viewers: float) -> None:
        self._random = world.random
        self._salt = world.settings.seed * 2_654_435_761
        self._skew_ms = int(world.settings.clock_skew_seconds * 1_000)
        self._count: dict[Platform, int] = {}
        self._fans: dict[str, tuple[int, int]] = {}
        total = sum(room.weight for room in rooms.all)
        for platform in (DOMESTIC, ABROAD):
            members = [room for room in rooms.all if room.platform is platform]
            weight = sum(room.weight for room in members)
            count = self._count[platform] = max(200, int(viewers * USERS_PER_VIEWER * weight / total))
            first = 0.0
            for room in members:
                size = count * room.weight / weight
                self._fans[room.id] = int(first), max(1, int(size))
                first += size

    def fan(self, room: Room) -> int:
        """One of the room's fans; some come all the time, so the square."""
        first, size = self._fans[room.id]
        return first + int(size * self._random.random() ** 2)

    def anybody(self, room: Room) -> int:
        """One of the platform's users."""
        return int(self._count[room.platform] * self._random.random())

    def skew(self, user: int) -> int:
        """By how many milliseconds the user's clock is ahead."""
        if not self._skew_ms:
            return 0
        mixed = self._mix(user)
        return (mixed >> 8) % (2 * self._skew_ms + 1) - self._skew_ms if mixed % SKEWED_SHARE == 0 else 0

    def lively(self, user: int) -> bool:
        """Whether the user takes part rather than just watches."""
        return (self._mix(user) >> 4) % LIVELY_SHARE == 0

    def _mix(self, user: int) -> int:
        mixed = (user * 2_246_822_519 + self._salt) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 15)) * 3_266_489_917) & 0xFFFFFFFF
        return mixed ^ (mixed >> 13)


class Audience:
    """Everyone who is watching."""

    def __init__(self, world: World, rooms: Rooms, people: People, viewers: float) -> None:
        self._world, self._rooms, self._people = world, rooms, people
        self._viewers = viewers
        self._wheel: list[list[Visit]] = [[] for _ in range(BEAT_MS // STEP_MS)]
        self._mu = math.log(MEAN_STAY_SECONDS) - STAY_SIGMA**2 / 2
        self.size = 0
        self.newcomers: list[tuple[int, Visit]] = []
        """Those who entered in this step, with the time."""
        self._fill()

    def advance(self, *, quiet: bool = False) -> None:
        """Heartbeats, arrivals, comments and likes of this step; `quiet`: arrivals only. (Leaves are on the agenda.)"""
        if not quiet:
            self._beat()
        self.newcomers = []
        pulls = [(room, room.pull(self._world.now)) for room in self._rooms.live]
        total = sum(pull for _, pull in pulls)
        for room, pull in pulls:
            self._arrive(room, self._viewers * pull / total)
        for room in () if quiet else self._rooms.all:
            if room.visits:
                self._comment(room)
                self._like(room)

    def _fill(self) -> None:
        """Begin as if it had been going on for long: those present are the ones who stay long, part of their stay behind them."""
        world, random = self._world, self._world.random
        pulls = [(room, room.pull(world.now)) for room in self._rooms.live]
        total = sum(pull for _, pull in pulls)
        for room, pull in pulls:
            for _ in range(round(self._viewers * pull / total)):
                # A stay met at random is drawn by its length: lognormal again, with mu + sigma squared.
                stay = random.lognormvariate(self._mu + STAY_SIGMA**2, STAY_SIGMA) * random.random()
                self._seat(room, world.now, int(stay * 1_000), phase=int(random.random() * BEAT_MS), warm=True)

    def _arrive(self, room: Room, target: float) -> None:
        random, world = self._world.random, self._world
        rate = target / MEAN_STAY_SECONDS + (target - len(room.visits)) / SETTLE_SECONDS
        for _ in range(poisson(random, rate * STEP_MS / 1_000)):
            time = world.within_step()
            stay = random.lognormvariate(self._mu, STAY_SIGMA)
            visit = self._seat(room, time, int(stay * 1_000), phase=0, warm=False)
            if visit:
                world.emit(time, "view", room.id, visit.skew, f'{visit.head},"action":"enter","source":"{visit.source}"}}')
                self.newcomers.append((time, visit))

    def _seat(self, room: Room, time: int, stay: int, *, phase: int, warm: bool) -> Visit | None:
        random, people = self._world.random, self._people
        assert room.broadcast
        is_fan = random.random() < FAN_SHARE
        for _ in range(4):
            user = people.fan(room) if is_fan else people.anybody(room)
            if user not in room.present:
                break
        else:
            return None  # few users and a full room: nobody is left to come
        source = random.choice(FAN_SOURCES if is_fan else STRANGER_SOURCES)
        stay = max(1_000, int(stay * (FAN_STAYS if is_fan else STRANGER_STAYS)))
        # The last ones need a moment to notice that it is over.
        end = min(time + stay, max(room.broadcast.end, time) + random.randint(500, 8_000))
        user_id = f"{room.platform.user_prefix}{user:07d}"
        first_beat = time + phase if warm else time + BEAT_MS
        since_start = first_beat - self._world.settings.start_ms
        visit = Visit(room, user, user_id, source, end, since_start % STEP_MS, people.skew(user), people.lively(user))
        visit.place = len(room.visits)
        room.visits.append(visit)
        room.present.add(user)
        self._wheel[since_start // STEP_MS % len(self._wheel)].append(visit)
        self.size += 1
        self._world.at(end, partial(self._leave, visit, random.random() < SILENT_LEAVES))
        return visit

    def _leave(self, visit: Visit, silent: bool, time: int) -> None:
        room = visit.room
        last = room.visits.pop()
        if last is not visit:
            room.visits[visit.place] = last
            last.place = visit.place
        room.present.discard(visit.user)
        self.size -= 1
        if not silent:
            self._world.emit(time, "view", room.id, visit.skew, f'{visit.head},"action":"leave","source":"{visit.source}"}}')

    def _beat(self) -> None:
        """Most of all events are made here, hence the comprehensions."""
        world = self._world
        now, place = world.now, world.step % len(self._wheel)
        beating = self._wheel[place] = [visit for visit in self._wheel[place] if visit.end > now + visit.offset]
        first = world.serial + 1
        world.facts += [
            (now + visit.offset, number, "view", visit.room.id, visit.skew, visit.beat)
            for number, visit in enumerate(beating, first)
        ]
        world.serial += len(beating)

    def _lively(self, room: Room) -> Visit:
        """Somebody in the room, rarely one who only watches."""
        random, visits = self._world.random.random, room.visits
        for _ in range(12):
            visit = visits[int(random() * len(visits))]
            if visit.lively:
                break
        return visit

    def _comment(self, room: Room) -> None:
        world, random = self._world, self._world.random
        excitement = room.excitement(world.now)
        texts = PINNED_COMMENTS if excitement > 2 else COMMENTS
        for _ in range(poisson(random, COMMENTS_PER_SECOND * len(room.visits) * excitement * STEP_MS / 1_000)):
            visit = self._lively(room)
            time = world.within_step()
            text = random.choice(texts)
            reply = (
                f',"reply_to":"{world.run_id}-{room.last_comment}"' if room.last_comment and random.random() < REPLY_SHARE else ""
            )
            room.last_comment = world.emit(time, "comment", room.id, visit.skew, f'{visit.head},"text":{text}{reply}}}')

    def _like(self, room: Room) -> None:
        world, random = self._world, self._world.random
        for _ in range(poisson(random, LIKES_PER_SECOND * len(room.visits) * STEP_MS / 1_000)):
            visit = self._lively(room)
            taps = min(50, 1 + int(random.expovariate(0.12)))
            world.emit(world.within_step(), "like", room.id, visit.skew, f'{visit.head},"count":{taps}}}')
