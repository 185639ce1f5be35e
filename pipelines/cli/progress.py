"""What the producers' commands share: stopping on Ctrl-C, progress with and without a terminal, the closing table."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from rich.status import Status

DELIVERY_FAILED = 1
_EVERY_ON_TERMINAL, _EVERY_ELSEWHERE = 0.3, 5.0


class Stop:
    """While it is open, the first Ctrl-C (or SIGTERM) asks to stop; the second ends at once with KeyboardInterrupt."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.requested

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Progress:
    """A line on standard error that is redrawn; without a terminal, a plain line every five seconds."""

    def __init__(self, line: Callable[[float, float], str]) -> None:
        """`line` gets the seconds since the start and since the last line, and returns what to show."""
        from rich.console import Console

        self._line = line
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._every = _EVERY_ON_TERMINAL if self._console.is_terminal else _EVERY_ELSEWHERE
        self._began = self._last = time.monotonic()

    def tick(self) -> None:
        """Show the line if it is time to."""
        from rich.text import Text

        now = time.monotonic()
        if now - self._last < self._every:
            return
        text = self._line(now - self._began, now - self._last)
        self._last = now
        if self._status:
            self._status.update(Text(text))
        else:
            self._console.print(text, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        self._began = self._last = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status("…", refresh_per_second=4)
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._status:
            self._status.stop()
            self._status = None


class Rate:
    """Events per second since it was last asked."""

    def __init__(self) -> None:
        self._last = 0

    def since(self, count: int, seconds: float) -> float:
        """The rate at which the count has grown in these seconds."""
        grown, self._last = count - self._last, count
        return grown / seconds if seconds else 0.0


def duration(seconds: float) -> str:
    """For people: 12 s, 3:05, 1:02:03."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def close(title: str, summary: Mapping[str, Any], *, as_json: bool) -> None:
    """The summary on standard output: a table, or one JSON object for programs."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False, title_style="bold")
    table.add_column(style="cyan")
    table.add_column()
    for name, value in summary.items():
        if value is None or value == {}:
            continue
        colour = "[red]" if name in ("failed", "errors") and value else ""
        table.add_row(name.replace("_", " "), colour + _shown(value))
    Console(highlight=False).print(table)


def _shown(value: object) -> str:
    from rich.markup import escape

    if isinstance(value, Mapping):
        return escape(", ".join(f"{name} {_shown(part)}" for name, part in value.items() if part))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(f"{value:,.1f}" if isinstance(value, float) else str(value))
