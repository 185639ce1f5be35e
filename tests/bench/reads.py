"""`make bench-reads`: how fast panels, alerts and analysts' views answer when ClickHouse holds the counters of a billion events.

Starts ClickHouse and Kafka of its own and stops them in the end. The rows are made inside ClickHouse by `reads.sql`: counters of
every day, and of the last days the events too, which views for the next morning read. Every event has its row there, so
`--event-days` costs most. Nothing is written while it is asked. Ends with 0 whatever the times are: they depend on the machine;
with 1 when a statement failed, or gave nothing where it should have.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
from clickhouse_driver import Client
from rich.console import Console
from rich.table import Table

from dashboards import DASHBOARDS
from dashboards.build import page
from pipelines import storage
from pipelines.cli.progress import Progress, duration
from pipelines.clickhouse import connect
from pipelines.grafana import check
from pipelines.settings import Settings
from pipelines.sql import fill
from pipelines.stack.roles import roles
from pipelines.topics import create_missing
from schemas.grains import Grain, grains
from tests.bench.stack import own_stack
from tests.stopping import stop_in_order

SERVICES = ("kafka", "clickhouse")
"""Nothing comes from Kafka, but a ClickHouse that cannot reach it tries all the time, for most of a core."""
HOURS = 24
"""The time range of panels."""
SLOTS = 1_080
"""Length of a broadcast, three hours, in slots of 10 s."""
TAPS = 5
"""Of one like event."""
LARGEST_ROOM = "room-001"
AHEAD_SECONDS = 900
"""Broadcasts that are on have their counters so far ahead, so that they are still on while they are asked about."""

LIVE, PANEL, ALERT, VIEW = "live panel", "other panel", "alert", "view"
LIMITS_MS = {LIVE: 100, PANEL: check.LIMIT_MS, ALERT: check.LIMIT_MS, VIEW: 1_000}
"""A panel is live where its dashboard is refreshed every few seconds."""

_TRIES = 3
_TRIED_AGAIN_MS = 5_000
"""What took longer is not asked again."""
_SETTLED_SECONDS = 3
_LAST_DAYS_ONLY = re.compile(r"INSERT INTO (\w+_event|flink_metric|freshness_histogram) ")
"""Large, and split by day: of these nobody reads more than the days that are asked for."""


@dataclass(frozen=True)
class Answer:
    """What one statement did."""

    kind: str
    name: str
    chosen: str
    """Rooms: `one`, `several`, `all` or `hostile`; of a view, what was asked of it."""
    rows: int
    read_rows: int
    milliseconds: float
    """The fastest of three times. Of panels and alerts until the last row is here; of views inside ClickHouse."""
    problem: str

    @property
    def is_slow(self) -> bool:
        """Whether it takes longer than it should."""
        return self.milliseconds > LIMITS_MS[self.kind]


def main() -> int:
    asked = _arguments()
    stop_in_order()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    with own_stack(SERVICES) as settings:
        create_missing(settings)
        storage.migrate(settings)
        client = connect(settings)
        make(settings, client, asked)
        events, tables = _events(client), _tables(client)
        _show_stored(console, events, tables, asked)
        with console.status("Asking panels and alerts …"):
            answers = [*panels(settings)]
        with console.status("Asking views …"):
            answers += views(settings)
        client.disconnect()
    _show(console, answers)
    if asked.json:
        found = {
            "days": asked.days, "event_days": asked.event_days, "rooms": asked.rooms, "broadcasts_a_day": asked.broadcasts,
            "average_viewers": asked.viewers, "events": events, "hours_of_panels": HOURS, "limits_ms": LIMITS_MS,
            "tables": [dict(zip(("table", "rows", "bytes", "parts"), row, strict=True)) for row in tables],
            "answers": [asdict(answer) for answer in answers],
        }  # fmt: skip
        asked.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    return 1 if any(answer.problem for answer in answers) else 0


def make(settings: Settings, client: Client, asked: argparse.Namespace) -> None:
    """Fills every table, the oldest day first, and waits until ClickHouse has merged what it wants to."""
    statements = (Path(__file__).with_suffix(".sql")).read_text(encoding="utf-8").split(";\n")
    anchor = int(time.time()) // 10 * 10
    doing = ""

    def line(seconds: float, since: float) -> str:
        return f"{duration(seconds)}  {doing}"

    with Progress(line) as progress:
        for day in reversed(range(asked.days)):
            ends = int(time.time()) + AHEAD_SECONDS
            for statement in filter(str.strip, statements):
                large = _LAST_DAYS_ONLY.search(statement)
                if large and day >= asked.event_days:
                    continue
                doing = f"day {asked.days - day} of {asked.days}" + (f": {large[1]}" if large else "")
                sql = fill(
                    statement, day=day, anchor=anchor, until=ends, last=ends - day * 86_400, rooms=asked.rooms,
                    broadcasts=asked.broadcasts, slots=SLOTS, viewers=asked.viewers, taps=TAPS, time_zone=settings.time_zone,
                )  # fmt: skip
                for _ in client.execute_with_progress(sql, settings={"max_insert_threads": 2}):
                    progress.tick()
        doing = "ClickHouse merges"
        quiet = 0
        while quiet < _SETTLED_SECONDS:
            time.sleep(1)
            [(merges,)] = client.execute("SELECT count() FROM system.merges")
            quiet = 0 if merges else quiet + 1
            progress.tick()


def panels(settings: Settings) -> Iterator[Answer]:
    """Every panel of the last day, with each choice of rooms, and every alert."""
    live = {name for name in DASHBOARDS if str(page(name, "en").build().refresh).endswith("s")}
    for found in check.run(settings, HOURS):
        kind = LIVE if found.dashboard in live else PANEL if found.dashboard in DASHBOARDS else ALERT
        problem = "" if found.problem == f"takes over {check.LIMIT_MS} ms" else found.problem
        name = f"{found.dashboard}.{found.panel}"
        yield Answer(kind, name, found.chosen, found.rows, found.read_rows, found.milliseconds, problem)


def views(settings: Settings) -> Iterator[Answer]:
    """Every view for people who write SQL, within their limits: what is of yesterday; of one room, where the day is an argument."""
    zone = ZoneInfo(settings.time_zone)
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = midnight - timedelta(days=1), midnight
    day = f"{start:%Y-%m-%d}"

    def within(column: str) -> str:
        moments = (f"toDateTime('{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}', 'UTC')" for moment in (start, end))
        return "WHERE {0} >= {1} AND {0} < {2}".format(column, *moments)

    asked = {name: within(_time_of(grain)) for name, grain in grains().items()} | {
        "buyer_day": f"WHERE day = '{day}'",
        "activity_session": within("started_at"),
        "viewer_session": within("started_at"),
        "activity_session_between": f"(first_day = '{day}', last_day = '{day}') WHERE room_id = '{LARGEST_ROOM}'",
        "viewer_session_between": f"(first_day = '{day}', last_day = '{day}') WHERE room_id = '{LARGEST_ROOM}'",
        "sales_by_payment_day": f"WHERE day = '{day}'",
        "repurchase": "",
        "repurchase_as_of": f"(as_of = '{day}', days = 30)",
    }
    with httpx.Client(
        base_url=f"http://127.0.0.1:{settings.clickhouse_http_port}",
        params={"database": settings.clickhouse_database, "wait_end_of_query": 1, **roles()["analyst"].limits},
        timeout=None,  # the limits have one
    ) as http:
        for name in (*grains(), *(path.stem for path in sorted(storage.VIEWS.glob("*.sql")))):
            yield _view(http, name, asked[name])


def _time_of(grain: Grain) -> str:
    """The column by which a grain's rows are of a day; that of a broadcast is when it was last heard of."""
    return "window_start" if "window_start" in grain.keys else "last_record_at"


def _view(http: httpx.Client, name: str, asked: str) -> Answer:
    tries: list[dict[str, Any]] = []
    while len(tries) < _TRIES and not (tries and tries[-1]["elapsed_ns"] > _TRIED_AGAIN_MS * 1e6):
        answer = http.post("/", content=f"SELECT * FROM {name} {asked} FORMAT Null")
        if answer.status_code != httpx.codes.OK:
            return Answer(VIEW, name, asked, 0, 0, 0.0, " ".join(answer.text.split())[:500])
        tries.append({key: int(value) for key, value in orjson.loads(answer.headers["X-ClickHouse-Summary"]).items()})
    best = min(tries, key=lambda summary: summary["elapsed_ns"])
    problem = "" if best["result_rows"] else "is empty"
    return Answer(VIEW, name, asked, best["result_rows"], best["read_rows"], best["elapsed_ns"] / 1e6, problem)


def _events(client: Client) -> dict[str, int]:
    """How many events the counters stand for, by kind: each viewer's slot is a heartbeat, each user of a window one event."""
    kinds = {
        "heartbeats": "viewer_slots",
        "comments": "comments",
        "likes": f"intDiv(likes, {TAPS})",
        "products": "exposed_users + click_users + cart_users",
        "orders": "orders_created + orders_paid + orders_cancelled + refunds",
    }
    [row] = client.execute(f"SELECT {', '.join(f'sum({sql})' for sql in kinds.values())} FROM room_10s_counters FINAL")
    [(messages,)] = client.execute("SELECT sum(messages) FROM group_1m_counters FINAL")
    return dict(zip(kinds, row, strict=True)) | {"group messages": messages}


def _tables(client: Client) -> list[tuple[str, int, int, int]]:
    """Name, rows, bytes on disk and parts of each table."""
    found: list[tuple[str, int, int, int]] = client.execute(
        "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = currentDatabase() "
        "GROUP BY table ORDER BY endsWith(table, '_counters') DESC, sum(rows) DESC"
    )
    return found


def _show_stored(
    console: Console, events: dict[str, int], tables: list[tuple[str, int, int, int]], asked: argparse.Namespace
) -> None:
    total = sum(events.values())
    mix = ", ".join(f"{kind} {count / total:.1%}" for kind, count in events.items())
    console.print(f"Counters of {total:,} events ({mix}); each viewer's 10 s is a heartbeat, {TAPS} taps are a like.")
    console.print(
        f"{asked.days} days of {asked.rooms} rooms, {asked.broadcasts} broadcasts of {SLOTS * 10 / 3600:g} h a day each, "
        f"{asked.viewers} viewers on average; the newest broadcasts are on. Events themselves, and the pipeline's figures: "
        f"of {asked.event_days} days."
    )
    rows = ((name, f"{rows:,}", f"{size / 1e6:,.1f}", str(parts)) for name, rows, size, parts in tables)
    _table(console, ("Table",), ("Rows", "MB", "Parts"), rows)


def _show(console: Console, answers: list[Answer]) -> None:
    slow = sorted((one for one in answers if one.kind != VIEW and one.is_slow), key=lambda one: one.milliseconds, reverse=True)
    console.print(f"\nPanels and alerts that took too long (time range {HOURS} h, rooms chosen):")
    _table(console, ("Statement", "", "Chosen"), _FIGURES, ((one.name, one.kind, one.chosen, *_figures(one)) for one in slow))
    console.print("\nViews, a day:")
    of_views = ((one.name, _verdict(one), *_figures(one)) for one in answers if one.kind == VIEW)
    _table(console, ("View", ""), _FIGURES, of_views)
    console.print()
    summary = []
    for kind, limit in LIMITS_MS.items():
        found = [one for one in answers if one.kind == kind]
        wrong = sum(bool(one.problem) for one in found)
        counts = len(found), wrong, limit, sum(one.is_slow for one in found)
        times = [one.milliseconds for one in found if not one.problem]
        summary.append((kind, *map(str, counts), f"{median(times or [0]):,.0f}", f"{max(times or [0]):,.0f}"))
    _table(console, ("Asked",), ("Statements", "Wrong", "Limit ms", "Over it", "Median ms", "Slowest ms"), summary)
    for one in answers:
        if one.problem:
            console.print(f"WRONG: {one.kind} {one.name} {one.chosen}: {one.problem}", markup=False)


_FIGURES = ("Rows", "Rows read", "ms")


def _verdict(one: Answer) -> str:
    return "wrong" if one.problem else "slow" if one.is_slow else ""


def _figures(one: Answer) -> tuple[str, str, str]:
    return f"{one.rows:,}", f"{one.read_rows:,}", f"{one.milliseconds:,.0f}"


def _table(console: Console, left: tuple[str, ...], right: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(*left, box=None, header_style="bold")
    for column in right:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reads", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=30, help="that have counters (default %(default)s)")
    parser.add_argument("--event-days", type=int, default=2, help="that also have events, the last ones (default %(default)s)")
    parser.add_argument("--rooms", type=int, default=50, help="(default %(default)s)")
    parser.add_argument("--broadcasts", type=int, default=2, help="a day of each room (default %(default)s)")
    parser.add_argument("--viewers", type=int, default=270, help="of a broadcast at a time, on average (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
