"""Bytewax: a stateful step of our own, or its windows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from tests.bench.consumer import FETCHING, WINDOW_MS, Row
from tests.bench.family.contract import Spec, finish, read_spec, result_row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING_IS_LATE = timedelta(days=7)
"""Partitions are read at different paces and copies come minutes later: windows stay open until the input ends."""

Item = tuple[str, str, int, int, int]
"""Topic, user, event time, paid, refunded."""


class Parser:
    """Takes out what is counted, a batch at a time, and notes when the first came and how many."""

    def __init__(self) -> None:
        self.began = 0.0
        self.records = 0

    def __call__(self, messages: list[Any]) -> list[tuple[str, Item]]:
        self.began = self.began or time.time()
        self.records += len(messages)
        loads = orjson.loads
        items = []
        for message in messages:
            try:
                event, topic = loads(message.value), message.topic
                paid = refunded = 0
                if topic == "order":
                    if event["status"] == "paid":
                        paid = event["amount"]
                    elif event["status"] == "refunded":
                        refunded = event["amount"]
                items.append((event.get("room_id") or "", (topic, event["user_id"], event["event_time"], paid, refunded)))
            except (ValueError, LookupError, TypeError, AttributeError):
                continue
        return items


def add(row: Row, item: Item) -> Row:
    """Counts one in."""
    topic, user, _, paid, refunded = item
    row.counts[topic] = row.counts.get(topic, 0) + 1
    row.paid += paid
    row.refunded += refunded
    row.users.add(user)
    return row


class RoomLogic(StatefulBatchLogic):  # type: ignore[misc]  # the package is not in the environment that mypy sees
    """The windows of one room."""

    def __init__(self, resumed: dict[int, Row] | None) -> None:
        self._rows: dict[int, Row] = resumed or {}

    def on_batch(self, values: list[Item]) -> tuple[Iterable[tuple[int, Row]], bool]:
        for item in values:
            window = item[2] // WINDOW_MS
            row = self._rows.get(window)
            if row is None:
                row = self._rows[window] = Row()
            add(row, item)
        return (), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[tuple[int, Row]], bool]:
        return list(self._rows.items()), StatefulBatchLogic.RETAIN

    def snapshot(self) -> dict[int, Row]:
        return self._rows


class Results(DynamicSink, StatelessSinkPartition):  # type: ignore[misc]  # as above
    """Keeps what comes out and when the last of it came."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, tuple[int, Row]]] = []
        self.ended = 0.0

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Results:
        return self

    def write_batch(self, items: list[tuple[str, tuple[int, Row]]]) -> None:
        self.rows += items
        self.ended = time.time()


def dataflow(spec: Spec, parser: Parser, results: Results) -> Dataflow:
    flow = Dataflow("family")
    source = KafkaSource(
        [spec.bootstrap],
        list(spec.topics),
        tail=False,
        batch_size=10_000,
        add_config={name: str(value) for name, value in FETCHING.items()},
    )
    parsed: KeyedStream[Item] = op.flat_map_batch("parse", op.input("kafka", flow, source), parser)
    if spec.options.get("windows"):
        clock = EventClock(lambda item: _EPOCH + timedelta(milliseconds=item[2]), _NOTHING_IS_LATE)
        windower = TumblingWindower(length=timedelta(milliseconds=WINDOW_MS), align_to=_EPOCH)
        counted = fold_window("count", parsed, clock, windower, Row, add, _merge, ordered=False).down
    else:
        counted = op.stateful_batch("count", parsed, RoomLogic)
    op.output("rows", counted, results)
    return flow


def _merge(one: Row, other: Row) -> Row:
    raise AssertionError("tumbling windows do not merge")


def main() -> None:
    spec = read_spec()
    parser, results = Parser(), Results()
    run_main(dataflow(spec, parser, results))
    rows = (result_row(room, window, row) for room, (window, row) in results.rows)
    finish(spec, rows, began=parser.began, ended=results.ended, records=parser.records)


if __name__ == "__main__":
    main()
