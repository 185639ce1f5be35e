"""Sending repaired dead letters to their event topics, once each as far as any number is concerned.

A repaired event has the Kafka timestamp of its dead letter, so whether it is late, and whether it is of the future, is
decided as it was, and it falls into the window in which it happened: counters that have been shown already are corrected.
It names the dead letter's place in the header `livepulse-replayed-from`. What would be a dead letter again is never sent,
so nothing can go round in circles.

What was sent is recorded in `dead_letter_replay` once Kafka has acknowledged it, and is left out from then on. A crash
between the two sends it a second time, and that changes no counter, because the copy is the same to the byte, under the
same key, in the same partition, with the same `event_id`:

- comment, like, group_message: counted once by `event_id`.
- order: created, paid and cancelled are counted once by `order_id` and status, refunded by `event_id`.
- view, product: counters are distinct users and slots, by construction indifferent to copies.

The `event_id` is the event's own, or is derived from the dead letter's place (`pipelines.dead_letters.fix.derived_id`).
Two things this cannot do: tell that two dead letters without an `event_id` were one fact that was delivered twice; and,
if the fix was changed between a crash and the second run, take back what the first one sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.dead_letters.fix import Fixes, Refusal, Repaired, repair
from pipelines.dead_letters.read import DeadLetter, Place
from pipelines.errors import UserError

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.produce import Sender
    from pipelines.settings import Settings

HEADER = "livepulse-replayed-from"
SAMPLE = 500
EXAMPLES = 5

PAST_RETENTION = "past_retention"
"""Kafka would soon delete a record of that time: no job that is started later would count it."""


@dataclass
class Stay:
    """Dead letters that stay what they are, of one topic, reason and field."""

    count: int = 0
    example: Place | None = None


@dataclass
class Outcome:
    """What became of the chosen dead letters, or with a dry run what would."""

    sent: Counter[str] = field(default_factory=Counter)
    """Topic -> repaired events that Kafka acknowledged and that are recorded; of a dry run, those that would be sent."""
    stays: dict[tuple[str, str, str], Stay] = field(default_factory=dict)
    """(topic, reason, field) -> those that would be dead letters again, for that reason."""
    examples: list[Repaired] = field(default_factory=list)
    """The first of them."""
    forgotten: int = 0
    """Sent, but so old that Flink no longer remembers their windows."""

    @property
    def staying(self) -> int:
        """How many stay dead letters."""
        return sum(stay.count for stay in self.stays.values())

    def stay(self, place: Place, refusal: Refusal) -> None:
        """Count one that stays."""
        entry = self.stays.setdefault((place.topic, *refusal), Stay(example=place))
        entry.count += 1


@dataclass(frozen=True)
class Replay:
    """Repairs dead letters and, unless `target` is None (a dry run), sends them and records that it did."""

    client: Client
    settings: Settings
    fixes: Fixes
    check_retention: Callable[[str, int], None]
    """Called with topic and timestamp; raises a UserError when Kafka would not keep such a record."""
    target: Sender | None
    outcome: Outcome = field(default_factory=Outcome)

    def run(self, batches: Iterable[list[DeadLetter]], stopped: Callable[[], bool] = lambda: False) -> bool:
        """Goes through the batches, each of them sent and recorded before the next is read; False when stopped between two."""
        for batch in batches:
            if stopped():
                return False
            repaired = list(self._repaired(batch))
            self.outcome.examples += repaired[: EXAMPLES - len(self.outcome.examples)]
            if self.target is not None:
                repaired = self._send(self.target, repaired)
            self.outcome.sent.update(event.place.topic for event in repaired)
            self.outcome.forgotten += sum(event.received_ms < self._remembered_since() for event in repaired)
        return True

    def _repaired(self, batch: Iterable[DeadLetter]) -> Iterator[Repaired]:
        for letter in batch:
            result = self._judged(letter)
            if isinstance(result, Repaired):
                yield result
            else:
                self.outcome.stay(letter.place, result)

    def _judged(self, letter: DeadLetter) -> Repaired | Refusal:
        result = repair(letter, self.fixes, self.settings.future_seconds)
        if isinstance(result, Repaired):
            try:
                self.check_retention(letter.place.topic, letter.received_ms)
            except UserError:
                return Refusal(PAST_RETENTION)
        return result

    def _send(self, target: Sender, events: list[Repaired]) -> list[Repaired]:
        """Sends them, waits for Kafka's word on each, and records those that it has; returns these."""
        acknowledged: list[tuple[Repaired, int, int]] = []

        def receipt_of(event: Repaired) -> Callable[[int, int], None]:
            return lambda partition, offset: acknowledged.append((event, partition, offset))

        for event in events:
            header = {HEADER: str(event.place).encode()}
            target.send_with_receipt(event.place.topic, event.key, event.value, event.received_ms, header, receipt_of(event))
        target.flush()
        self._record(acknowledged)
        return [event for event, _, _ in acknowledged]

    def _record(self, acknowledged: list[tuple[Repaired, int, int]]) -> None:
        now = datetime.now(UTC)
        rows = [(*event.place, partition, offset, event.event_id, event.fix, now) for event, partition, offset in acknowledged]
        if rows:
            self.client.execute(
                "INSERT INTO dead_letter_replay"
                " (_topic, _partition, _offset, new_partition, new_offset, event_id, fix, replayed_at) VALUES",
                rows,
            )

    def _remembered_since(self) -> float:
        """Kafka timestamp in ms from which on Flink still has the windows of an event, which may have been almost late."""
        return (time.time() - self.settings.state_ttl_hours * 3_600 + self.settings.lateness_seconds) * 1_000


def refuse_useless(sample: Iterable[list[DeadLetter]], replay: Replay, max_invalid: float) -> None:
    """Raise a UserError when more than that share of a sample would stay invalid: then the fix is not the right one.

    Args:
        replay: a dry run of its own; what it counts is the sample's.
    """
    replay.run(sample)
    staying, sent = replay.outcome.staying, replay.outcome.sent.total()
    if staying > max_invalid * (staying + sent):
        reasons = sorted(replay.outcome.stays.items(), key=lambda item: -item[1].count)
        most = ", ".join(f"{' '.join(filter(None, key))} ({stay.count}, e.g. {stay.example})" for key, stay in reasons[:3])
        raise UserError(
            f"Nothing was sent: of {staying + sent:,} dead letters that were tried, {staying:,} would stay invalid, "
            f"more than {max_invalid:.0%}. Most: {most}.",
            "Look: livepulse dead-letters show PLACE, replay --dry-run. Then correct the fix, choose fewer (--topic, --reason, "
            "--field), name places, or say --max-invalid 1.",
        )
