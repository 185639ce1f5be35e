"""Showing the board again and again."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live

from pipelines.watch.board import Reader, Room
from pipelines.watch.freshness import FreshnessProbe
from pipelines.watch.render import board, line

if TYPE_CHECKING:
    from rich.console import Console

_LINE_SECONDS = 5.0


class LiveBoard:
    """A table that is redrawn each second; without a terminal, a line every five seconds."""

    def __init__(self, console: Console, reader: Reader, probe: FreshnessProbe, transient: bool = False) -> None:
        """A transient table is gone when it ends."""
        self._console, self._reader, self._probe = console, reader, probe
        self._live = (
            Live(console=console, auto_refresh=False, vertical_overflow="ellipsis", transient=transient)
            if console.is_terminal
            else None
        )
        self._refreshed = 0.0
        self._printed = float("-inf")

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def refresh(self, foot: str = "") -> list[Room]:
        """Read and show the board."""
        self._refreshed = time.monotonic()
        rooms, totals, freshness = self._reader.rooms(), self._reader.totals(), self._probe.recent()
        if self._live:
            self._live.update(board(rooms, totals, freshness, self._console.size, foot), refresh=True)
        elif self._refreshed - self._printed >= _LINE_SECONDS:
            self._printed = self._refreshed
            self._console.print(line(rooms, totals, freshness), markup=False, soft_wrap=True)
        return rooms

    def wait(self, seconds: float = 1.0) -> None:
        """Until the next refresh is due: so many seconds after the last, or later where reading takes long."""
        spent = time.monotonic() - self._refreshed
        time.sleep(max(0.1, seconds - spent, spent))
