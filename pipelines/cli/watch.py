"""`livepulse watch`."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def watch(
    minutes: Annotated[
        float, typer.Option(min=0.1, max=525_600, help="Show rooms with a record in the last so many minutes.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="Print the board once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: the rooms once, as JSON; money in minor units.")] = False,
) -> None:
    """Show the rooms' numbers as they change, the fullest room first, until Ctrl-C.

    "Fresh" is how long records took from being produced to being visible in the views, over the last minute.
    Without a terminal, a line every five seconds.

    Examples: [cyan]livepulse watch[/]  ·  [cyan]livepulse watch --once[/]  ·  [cyan]livepulse watch --json | jq .[/]
    """
    from pipelines.settings import settings
    from pipelines.stack.health import require
    from pipelines.watch.board import Reader
    from pipelines.watch.render import as_json as rows

    require(settings(), "clickhouse")
    if as_json:
        with Reader(settings(), minutes) as reader:
            typer.echo(json.dumps(rows(reader.rooms()), indent=2))
    elif once:
        _once(minutes)
    else:
        _live(minutes)


def _once(minutes: float) -> None:
    import time

    from pipelines.quiet import quiet
    from pipelines.settings import settings
    from pipelines.watch.board import Reader
    from pipelines.watch.render import board, console

    with quiet(), Reader(settings(), minutes) as reader:
        reader.totals()
        time.sleep(1)  # for the rate
        console().print(board(reader.rooms(), reader.totals(), None))


def _live(minutes: float) -> None:
    from rich.console import Console

    from pipelines.cli.progress import Stop
    from pipelines.quiet import quiet
    from pipelines.settings import settings
    from pipelines.watch.board import Reader
    from pipelines.watch.freshness import FreshnessProbe
    from pipelines.watch.live import LiveBoard

    with (
        quiet(),
        Stop() as stop,
        Reader(settings(), minutes) as reader,
        FreshnessProbe(settings()) as probe,
        LiveBoard(Console(highlight=False), reader, probe) as live,
    ):
        while not stop.requested:
            live.refresh()
            live.wait()
