"""The board as text: a table for terminals, one line for logs, plain values for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from dashboards.currencies import DECIMALS
from pipelines.terminal import harmless
from pipelines.watch.board import Money, Room, Totals

if TYPE_CHECKING:
    from rich.console import ConsoleDimensions, RenderableType

    from pipelines.watch.freshness import Freshness

NOTHING = "–"
_STALE_SECONDS = 15
_WIDE, _WIDE_ENOUGH = 140, 112


def console(stderr: bool = False) -> Console:
    """A console that is wide enough for the whole table where there is no terminal to fit."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)


def board(
    rooms: Sequence[Room],
    totals: Totals,
    freshness: Freshness | None,
    size: ConsoleDimensions | None = None,
    foot: str = "",
) -> RenderableType:
    """Header and table; with a size, only what fits into it."""
    shown = rooms if size is None else rooms[: max(1, size.height - 7)]
    parts: list[RenderableType] = [Text(headline(totals, freshness)), Text("")]
    if rooms:
        parts.append(table(shown, narrow=size is not None and size.width < _WIDE_ENOUGH))
    else:
        parts.append(Text("No room has had a record lately.", style="dim"))
    if len(shown) < len(rooms):
        parts.append(Text(f"… and {len(rooms) - len(shown)} more rooms", style="dim"))
    if foot:
        parts.append(Text(foot, style="dim"))
    return Group(*parts)


def table(rooms: Sequence[Room], narrow: bool = False) -> Table:
    """A row for each room; a narrow one leaves out what can be done without."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    columns = [(title, justify, cell) for title, justify, needed, cell in _COLUMNS if needed or not narrow]
    for title, justify, _ in columns:
        made.add_column(title, justify=justify, no_wrap=True)
    for room in rooms:
        made.add_row(*(cell(room) for _, _, cell in columns))
    return made


def headline(totals: Totals, freshness: Freshness | None) -> str:
    """The state of the whole in one line."""
    rate = NOTHING if totals.per_second is None else f"{totals.per_second:,.0f}"
    received = NOTHING if totals.received is None else f"{totals.received:,}"
    parts = [
        f"{rate} events/s",
        f"{received} received",
        f"{totals.dead_letters:,} dead letters",
        f"{percent(totals.late_share)} late",
        f"fresh {seconds(freshness)}",
        _applications(totals),
    ]
    return "  ·  ".join(parts)


def line(rooms: Sequence[Room], totals: Totals, freshness: Freshness | None) -> str:
    """Everything in one line, for where there is no terminal."""
    parts = [headline(totals, freshness), f"{len(rooms)} rooms, {sum(room.viewers_now for room in rooms):,} viewers now"]
    if rooms:
        first = rooms[0]
        money = " + ".join(amount(money.paid, money.currency) for money in first.money) or NOTHING
        parts.append(
            f"{harmless(first.room_id)}: {first.viewers_now:,} viewers, {percent(first.interaction_rate)} interacting, "
            f"{minutes(first.average_watch_seconds)} watched, {percent(first.conversion_rate, 2)} conversion, {money}"
        )
    return f"{time.strftime('%H:%M:%S')}  " + "  |  ".join(parts)


def as_json(rooms: Sequence[Room]) -> list[dict[str, Any]]:
    """The rows for programs; money in minor units."""
    return [asdict(room) for room in rooms]


def percent(value: float | None, digits: int = 1) -> str:
    """A share as percent."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}%"


def minutes(value: float | None) -> str:
    """Seconds as m:ss."""
    if value is None:
        return NOTHING
    whole = round(value)
    return f"{whole // 60}:{whole % 60:02d}"


def amount(minor: int, currency: str) -> str:
    """Money in major units with its currency."""
    digits = DECIMALS.get(currency, 2)
    return f"{currency} {minor / 10**digits:,.{digits}f}"


def seconds(freshness: Freshness | None) -> str:
    """Median and 99th percentile of freshness."""
    if freshness is None:
        return NOTHING
    return f"p50 {freshness.p50:.2f} s p99 {freshness.p99:.2f} s"


def _age(room: Room) -> Text:
    value = room.age_seconds
    return Text(f"{value:.1f} s" if value < 60 else minutes(value), style="dim" if value > _STALE_SECONDS else "green")


def _money(room: Room, part: Callable[[Money], int]) -> str:
    return "\n".join(amount(part(money), money.currency) for money in room.money) or NOTHING


# Title, side, whether a narrow table has it, and what is shown of a room.
_COLUMNS: tuple[tuple[str, Literal["left", "right"], bool, Callable[[Room], str | Text]], ...] = (
    ("Room", "left", True, lambda room: Text(harmless(room.room_id), style="bold")),
    ("Viewers\nnow", "right", True, lambda room: f"{room.viewers_now:,}"),
    ("\nin all", "right", False, lambda room: f"{room.viewers:,}"),
    ("Inter-\nacting", "right", True, lambda room: percent(room.interaction_rate)),
    ("Average\nwatch", "right", True, lambda room: minutes(room.average_watch_seconds)),
    ("Conver-\nsion", "right", True, lambda room: percent(room.conversion_rate, 2)),
    ("GMV\npaid", "right", True, lambda room: _money(room, lambda money: money.paid)),
    ("\nrefunded", "right", False, lambda room: _money(room, lambda money: money.refunded)),
    ("Buyers\nnew", "right", True, lambda room: f"{room.new_buyers:,}"),
    ("\nrepeat", "right", True, lambda room: f"{room.repeat_buyers:,}"),
    ("\nBasis", "left", False, lambda room: Text(room.basis, style="" if room.basis == "exact" else "yellow")),
    ("Newest\nrecord", "right", True, _age),
)


def _applications(totals: Totals) -> str:
    if totals.applications is None:
        return "Flink does not answer"
    return ", ".join(f"{a.name} {a.state}" for a in totals.applications) or "no application runs"
