"""`livepulse demo`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.watch.demo import Outcome

WRONG = 1


def demo(
    duration: Annotated[
        float | None,
        typer.Option(min=5, max=86_400, metavar="SECONDS", help="Send for so long; until Ctrl-C when left out."),
    ] = None,
    rate: Annotated[float, typer.Option(min=1, max=1_000_000, help="Events per second, in the mean.")] = 2_000,
    rooms: Annotated[int, typer.Option(min=1, max=5_000, help="Rooms, of very different size.")] = 8,
    seed: Annotated[int | None, typer.Option(help="Which rooms, viewers and orders; another one each time when left out.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running in the end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: what was found as one JSON object.")] = False,
) -> None:
    """Show all of livepulse: start what is missing, simulate broadcasts, watch the numbers, prove them, stop.

    What ran before goes on; data stays in LIVEPULSE_HOME.
    Ends with 1 when a record is lost, a counter is wrong, or a core metric stays empty.

    Examples: [cyan]livepulse demo[/]  ·  [cyan]livepulse demo --duration 60 --rate 5000[/]  ·  [cyan]livepulse demo --keep[/]
    """
    import signal
    import time

    from pipelines.quiet import quiet
    from pipelines.settings import settings
    from pipelines.watch.demo import Demo, Options
    from pipelines.watch.render import console as make_console

    console = make_console(stderr=as_json)
    # Being told to end is no reason to leave four gigabytes of services behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(
        duration=duration,
        rate=rate,
        seed=seed if seed is not None else int(time.time()) % 100_000,
        rooms=rooms,
        keep=keep,
    )
    with quiet(), Demo(settings(), options, console) as running:
        outcome = running.run()
        _show(outcome, console)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), indent=2, default=str))
    if not outcome.holds or outcome.missing:
        raise typer.Exit(WRONG)


def _show(outcome: Outcome, console: Console) -> None:
    from rich.text import Text

    from pipelines.terminal import harmless
    from pipelines.verify.run import verdict
    from pipelines.watch.render import percent, table

    console.print()
    console.print(table(outcome.rooms, narrow=console.is_terminal and console.width < 112))
    console.print()
    if found := outcome.repurchase:
        console.print(
            f"Repurchase, all rooms and all time: {found.repeat_buyers:,} of {found.buyers:,} buyers bought again "
            f"({percent(found.rate)})."
        )
    totals = outcome.totals
    console.print(
        f"Topics and tables hold {totals.received or 0:,} records, {totals.dead_letters:,} of them dead letters; "
        f"{percent(totals.late_share)} of the last ten minutes' events came late."
    )
    if freshness := outcome.freshness:
        console.print(
            f"From produced to visible, {freshness.events:,} events: [bold]p50 {freshness.p50:.2f} s, p99 {freshness.p99:.2f} s, "
            f"max {freshness.maximum:.2f} s[/]",
            soft_wrap=True,
        )
        for name, part in outcome.freshness_by_job.items():
            console.print(f"  {name}: p50 {part.p50:.2f} s, p99 {part.p99:.2f} s, max {part.maximum:.2f} s, {part.events:,} events")
        if outcome.poll_seconds:
            console.print(f"  [dim]asked every {outcome.poll_seconds:.2f} s: by so much a figure may be too high[/]")
    if outcome.overdue:
        console.print(f"[red]{outcome.overdue:,} events were not visible within two minutes.[/]")
    steps = {
        "install": "install",
        "start": "start-up",
        "tables": "tables",
        "jobs": "jobs",
        "queues": "queues",
        "catch_up": "catch-up",
    }
    took = ", ".join(f"{title} {outcome.seconds[name]:.1f} s" for name, title in steps.items() if name in outcome.seconds)
    if outcome.first_number_seconds is None:
        number = "no number came while it was sending"
    else:
        number = (
            f"first number {outcome.first_number_seconds:.1f} s after the first event, "
            f"{outcome.first_number_after:.0f} s after the command"
        )
    console.print(f"Took: {took}; {number}.", soft_wrap=True)
    for check in outcome.checks:
        for example in check.examples:
            console.print(Text.assemble((check.subject, "red"), f": {harmless(example)}"), soft_wrap=True)
    sign = "[green]✓[/]" if outcome.holds else "[red]✗[/]"
    console.print(f"{sign} Verified: [bold]{verdict(outcome.checks)}[/]", soft_wrap=True)
    if outcome.missing:
        console.print(f"[red]✗ No room shows a value above zero for: {', '.join(outcome.missing)}[/]", soft_wrap=True)
