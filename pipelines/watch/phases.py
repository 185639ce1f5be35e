"""Saying which step runs, for how long, and how long each took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from rich.console import Console


class Phases:
    """Steps, one after the other; a step that ends well leaves a line with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}
        """What each step took."""

    @contextlib.contextmanager
    def phase(self, name: str, title: str) -> Iterator[Callable[[str], None]]:
        """Run a step. The function that it gets says what the step is at just now."""
        began = time.monotonic()
        said = ""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as progress:
            task = progress.add_task(title, total=None)

            def say(detail: str) -> None:
                nonlocal said
                said = detail
                progress.update(task, description=f"{title}  [dim]{escape(detail)}[/]")

            yield say
        self.seconds[name] = time.monotonic() - began
        detail = f" [dim]({escape(said)})[/]" if said else ""
        self._console.print(f"[green]✓[/] {title}{detail}  {self.seconds[name]:.1f} s", soft_wrap=True)
