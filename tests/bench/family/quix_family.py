"""Quix Streams: a function for each record over its consumer, with the rows in memory or in its state store."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from quixstreams import Application, State

from tests.bench.consumer import FETCHING, WINDOW_MS, Row
from tests.bench.family.contract import ResultRow, Spec, finish, read_spec, result_row

Event = dict[str, Any]


class Progress:
    """When the first record came, when the last was counted, and how many there were."""

    def __init__(self, app: Application, records: int) -> None:
        self._stop, self._left = app.stop, records
        self.records = 0
        self.began = self.ended = 0.0

    def one_more(self) -> None:
        """Stops the application after the last."""
        if not self.records:
            self.began = time.time()
        self.records += 1
        if self.records == self._left:
            self.ended = time.time()
            self._stop()


def application(spec: Spec, folder: str) -> Application:
    return Application(
        broker_address=spec.bootstrap,
        consumer_group=f"bench-quix-{uuid.uuid4()}",
        auto_offset_reset="earliest",
        state_dir=folder,
        use_changelog_topics=False,
        loglevel="WARNING",
        broker_availability_timeout=0,
        # Topics that are joined wait for each other; a partition that is paused meanwhile loses what was prefetched.
        max_partition_buffer_size=spec.records,
        consumer_extra_config=FETCHING,
    )


def in_memory(app: Application, spec: Spec, progress: Progress) -> Callable[[], list[ResultRow]]:
    """Every record goes through one function, which keeps the rows of all partitions in a dict."""
    rows: dict[tuple[str | None, int], Row] = {}

    def count(topic: str, event: Event) -> None:
        try:
            user, key = event["user_id"], (event.get("room_id"), event["event_time"] // WINDOW_MS)
            row = rows.get(key)
            if row is None:
                row = rows[key] = Row()
            if topic == "order":
                if event["status"] == "paid":
                    row.paid += event["amount"]
                elif event["status"] == "refunded":
                    row.refunded += event["amount"]
            row.users.add(user)
            row.counts[topic] = row.counts.get(topic, 0) + 1
        finally:
            progress.one_more()

    for topic in spec.topics:
        app.dataframe(app.topic(topic)).update(partial(count, topic))
    return lambda: [result_row(room, window, row) for (room, window), row in rows.items()]


def in_state(app: Application, spec: Spec, progress: Progress) -> Callable[[], list[ResultRow]]:
    """A stateful function keyed by room: its state has the row of each window, and a key for each of the window's users.

    Topics that are not keyed by room go through a topic of Quix's that is.
    """
    rows: dict[tuple[str, int], ResultRow] = {}

    def count(event: Event, state: State) -> ResultRow:
        start, topic = event["event_time"] // WINDOW_MS * WINDOW_MS, event["topic"]
        row: ResultRow = state.get(start) or ResultRow(
            room_id=event.get("room_id"), window_start=start, counts={}, paid=0, refunded=0, users=0
        )
        user = f"{start} {event['user_id']}"
        if not state.exists(user):
            state.set(user, 1)
            row["users"] += 1
        row["counts"][topic] = row["counts"].get(topic, 0) + 1
        if topic == "order":
            if event["status"] == "paid":
                row["paid"] += event["amount"]
            elif event["status"] == "refunded":
                row["refunded"] += event["amount"]
        state.set(start, row)
        return row

    def keep(row: ResultRow) -> None:
        rows[row["room_id"] or "", row["window_start"]] = row
        progress.one_more()

    def name(topic: str, event: Event) -> None:
        event["topic"] = topic

    frames = []
    for topic in spec.topics:
        frame = app.dataframe(app.topic(topic)).update(partial(name, topic))
        if topic in ("order", "group_message"):
            frame = frame.group_by(
                lambda event: event.get("room_id") or "", name="room", key_serializer="str", key_deserializer="bytes"
            )
        frames.append(frame)
    reduce(lambda one, other: one.concat(other), frames).apply(count, stateful=True).update(keep)
    return lambda: list(rows.values())


def main() -> None:
    spec = read_spec()
    with tempfile.TemporaryDirectory(prefix="livepulse-bench-quix-") as folder:
        app = application(spec, folder)
        progress = Progress(app, spec.records)
        rows = (in_state if spec.options.get("state") else in_memory)(app, spec, progress)
        app.run()
    finish(spec, rows(), began=progress.began, ended=progress.ended, records=progress.records)


if __name__ == "__main__":
    main()
