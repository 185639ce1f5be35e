"""What the harness and a contender tell each other. Contenders run in several virtual environments: only what all of these
have is imported here.

A contender is run as `<python> -m tests.bench.family.<module> SPEC.json`, with the stack's `LIVEPULSE_` settings in its
environment. It reads every partition from the beginning to its end offset, writes its final rows as NDJSON to `out`, says on
standard output when it began and ended, and ends by itself. Whatever else it has to say goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import orjson

from tests.bench.consumer import WINDOW_MS as WINDOW_MS  # contenders take it from here
from tests.bench.consumer import Row


@dataclass(frozen=True)
class Spec:
    """What to read, and where to put the result."""

    bootstrap: str
    topics: dict[str, dict[int, int]]
    """Topic -> partition -> end offset: one after its last record. Partitions without records are left out."""
    out: Path
    options: dict[str, Any]
    """How this contender differs from others of its module (`Contender.options`)."""

    @property
    def partitions(self) -> list[tuple[str, int]]:
        """Topic and number of each."""
        return [(topic, number) for topic, ends in self.topics.items() for number in ends]

    @property
    def records(self) -> int:
        """How many there are to read."""
        return sum(sum(ends.values()) for ends in self.topics.values())


class ResultRow(TypedDict):
    """A line of `out`: a room in 10 s."""

    room_id: str | None
    window_start: int
    """Milliseconds since the epoch."""
    counts: dict[str, int]
    """Records by topic; a topic without any may be left out."""
    paid: int
    refunded: int
    """Minor units."""
    users: int
    """Distinct."""


def result_row(room: str | None, window: int, row: Row) -> ResultRow:
    """A line of `out` from a room and the number of its window."""
    return ResultRow(
        room_id=room or None,
        window_start=window * WINDOW_MS,
        counts=row.counts,
        paid=row.paid,
        refunded=row.refunded,
        users=len(row.users),
    )


def read_spec() -> Spec:
    """What this process was started with."""
    given = orjson.loads(Path(sys.argv[1]).read_bytes())
    topics = {topic: {int(number): end for number, end in ends.items()} for topic, ends in given["topics"].items()}
    return Spec(given["bootstrap"], topics, Path(given["out"]), given["options"])


def finish(spec: Spec, rows: Iterable[ResultRow], *, began: float, ended: float, records: int) -> None:
    """Writes the rows and says how it went.

    `began` is when the first record was read, `ended` when the last result was final, both in seconds of the epoch:
    neither start-up nor writing this file is measured.
    """
    with spec.out.open("wb") as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    sys.stdout.buffer.write(b"\n" + orjson.dumps({"began": began, "ended": ended, "records": records}) + b"\n")
    sys.stdout.flush()
