"""What must come out, counted once more while the records are sent: nothing here is shared with a contender."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from pipelines.recording import Record
from tests.bench.family.inputs import MIX
from tests.judge.tables import Key, Rows

COUNTERS = (*MIX, "paid", "refunded", "users")
_MONEY = ("paid", "refunded")


@dataclass
class _Group:
    """A room in 10 s."""

    every: Counter[str] = field(default_factory=Counter)
    """Records by topic and money by status, with copies."""
    first: Counter[str] = field(default_factory=Counter)
    """The same without: what had an `event_id` that was new to its topic."""
    users: set[str] = field(default_factory=set)


class Recount:
    """Every record counts: there are no dead letters and nothing late among them."""

    def __init__(self) -> None:
        self._groups: dict[Key, _Group] = {}
        self._ids: dict[str, set[str]] = {topic: set() for topic in MIX}
        self.records: Counter[str] = Counter()
        """By topic."""
        self.copies: Counter[str] = Counter()
        """Of them those whose `event_id` had come before."""

    def add(self, record: Record) -> None:
        """Counts one record."""
        event, topic, ids = json.loads(record.value), record.topic, self._ids[record.topic]
        group = self._groups.setdefault((event.get("room_id") or "", event["event_time"] // 10_000 * 10), _Group())
        group.users.add(event["user_id"])
        added = {topic: 1}
        if topic == "order" and event["status"] in _MONEY:
            added[event["status"]] = event["amount"]
        group.every.update(added)
        self.records[topic] += 1
        if event["event_id"] in ids:
            self.copies[topic] += 1
            return
        ids.add(event["event_id"])
        group.first.update(added)

    def rows(self, *, once: bool) -> Rows:
        """All counters by room ("" for none) and the window's start in seconds of the epoch, as the judge's tables have them.

        `once`: copies do not count. (No row consists of copies alone: a copy has the room and the time of the first.)
        """
        counted = {key: (group.first if once else group.every, len(group.users)) for key, group in self._groups.items()}
        return {
            key: {name: users if name == "users" else counts[name] for name in COUNTERS} for key, (counts, users) in counted.items()
        }
