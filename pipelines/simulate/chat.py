"""The chat groups that hosts keep: livelier just before a broadcast and after it."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.simulate import catalogue
from pipelines.simulate.audience import People
from pipelines.simulate.rooms import Room, Rooms
from pipelines.simulate.world import STEP_MS, World, poisson

MESSAGES_PER_SECOND = 0.0022
"""For each viewer that there is anywhere."""

STAFF_SHARE = 0.12
BEFORE_MS, AFTER_MS = 15 * 60_000, 10 * 60_000
BEFORE, LIVE, AFTER, IDLE = 1.6, 1.0, 1.8, 0.5


@dataclass(frozen=True)
class _Group:
    id: str
    room: Room
    names_room: bool


class Chat:
    """All groups."""

    def __init__(self, world: World, rooms: Rooms, people: People, viewers: float) -> None:
        self._world, self._people = world, people
        self._rate = MESSAGES_PER_SECOND * viewers
        self._groups: list[_Group] = []
        self._weights: list[float] = []
        for index, room in enumerate(rooms.all):
            count = 3 if index == 0 else 2 if index < 4 else 1
            for number in range(1, count + 1):
                # Every eighth room's last group was set up without saying whose it is.
                names_room = not (index % 8 == 2 and number == count)
                self._groups.append(_Group(f"group-{room.id}-{number}", room, names_room))
                self._weights.append((room.weight + 0.1) / count)

    def advance(self) -> None:
        """The messages of this step."""
        world, random = self._world, self._world.random
        tries = poisson(random, self._rate * AFTER * STEP_MS / 1_000)
        for group in random.choices(self._groups, self._weights, k=tries) if tries else ():
            room, now = group.room, world.now
            # `after` wins over `before`: with short breaks both hold.
            if room.broadcast:
                liveliness, members, staff = LIVE, catalogue.MEMBERS_LIVE, catalogue.STAFF_LIVE
            elif room.closed_at and now - room.closed_at < AFTER_MS:
                liveliness, members, staff = AFTER, catalogue.MEMBERS_AFTER, catalogue.STAFF_AFTER
            else:
                liveliness = BEFORE if room.opens_at - now < BEFORE_MS else IDLE
                members, staff = catalogue.MEMBERS_BEFORE, catalogue.STAFF_BEFORE
            if random.random() >= liveliness / AFTER:
                continue
            by_staff = random.random() < STAFF_SHARE
            if by_staff:
                user_id, skew, text = f"staff-{room.id}-{random.randint(1, 2)}", 0, random.choice(staff)
            else:
                user = self._people.fan(room)
                user_id, skew = f"{room.platform.user_prefix}{user:07d}", self._people.skew(user)
                text = random.choice(members)
            if group.names_room:
                head = room.head(user_id)
            else:
                head = f',"schema_version":1,"platform":"{room.platform.name}","user_id":"{user_id}"'
            role = "staff" if by_staff else "member"
            tail = f'{head},"group_id":"{group.id}","text":{text},"role":"{role}"}}'
            world.emit(world.within_step(), "group_message", group.id, skew, tail)
