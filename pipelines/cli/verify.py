"""`livepulse verify`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.settings import Settings
    from pipelines.verify.result import Check

DIFFERENCES, NOT_COMPARED = 1, 3


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, max=86_400, metavar="SECONDS", help="How long storage may take to catch up with Kafka."),
    ] = 30,
    settle: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="Leave out rows that counted a record stored this recently.")
    ] = 10,
    every: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=86_400,
            metavar="SECONDS",
            help="Check again and again, and measure freshness meanwhile; stored in verify_result and freshness_result.",
        ),
    ] = None,
) -> None:
    """Prove that nothing received is lost and that every counter is right.

    Every offset that Kafka holds must be in an event table or in dead_letter, and every row of every metric table must
    equal a recomputation from the event tables. Exit 1 on any difference, 3 when it could not be checked.
    What is too old to be still stored whole is left out, and counted as such.

    Examples: [cyan]livepulse verify[/]  ·  [cyan]livepulse verify --json[/]  ·  [cyan]livepulse verify --every 60[/]
    """
    from rich.console import Console

    from pipelines.cli import explained
    from pipelines.errors import UserError
    from pipelines.settings import settings
    from pipelines.stack.health import require

    console = Console(stderr=True, highlight=False)
    try:
        require(settings(), "kafka", "clickhouse")
        if every is not None:
            _continuously(settings(), console, wait, settle, as_json, every)
        holds = _once(settings(), console, wait, settle, as_json)
    except Exception as error:
        if (told := explained(error)) is None or told.exit_code != 1:
            raise
        raise UserError(told.message, told.hint, exit_code=NOT_COMPARED) from error
    if not holds:
        raise typer.Exit(DIFFERENCES)


def _once(settings: Settings, console: Console, wait: float, settle: int, as_json: bool) -> bool:
    checks = _check(settings, console, wait, settle)
    if as_json:
        typer.echo(json.dumps(_as_json(checks)))
    else:
        _show(checks)
    return all(check.holds for check in checks)


def _continuously(settings: Settings, console: Console, wait: float, settle: int, as_json: bool, every: float) -> NoReturn:
    from pipelines.cli import explained, show
    from pipelines.watch.freshness import FreshnessProbe

    with FreshnessProbe(settings, stores=True) as probe:
        while True:
            next_check = time.monotonic() + every
            probe.require_alive()
            try:
                _once(settings, console, wait, settle, as_json)
            except Exception as error:
                if (told := explained(error)) is None:
                    raise
                show(told)  # who is away for a moment is asked again at the next turn
            time.sleep(max(0.0, next_check - time.monotonic()))


def _check(settings: Settings, console: Console, wait: float, settle: int) -> list[Check]:
    from pipelines.clickhouse import connect
    from pipelines.verify.run import run

    client = connect(settings)
    try:
        with console.status("Checking …") as status:
            return run(settings, client, wait, settle, lambda subject: status.update(f"Checking {subject} …"))
    finally:
        client.disconnect()


def _show(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    from pipelines.terminal import for_tables, harmless
    from pipelines.verify.run import verdict

    table = Table("Promise", "Subject", "Compared", "Left out", "Lost", "Extra", "Wrong", "Seconds", box=None)
    for check in checks:
        style = None if check.holds else "red"
        numbers = [f"{n:,}" for n in (check.compared, check.left_out, check.lost, check.extra, check.wrong)]
        table.add_row(check.promise, check.subject, *numbers, f"{check.seconds:.1f}", style=style)
    console = for_tables()
    console.print(table)
    for check in checks:
        for example in check.examples:
            console.print(Text.assemble((check.subject, "red"), f": {harmless(example)}"))
    console.print(verdict(checks))


def _as_json(checks: list[Check]) -> dict[str, object]:
    from dataclasses import asdict

    from pipelines.verify.run import verdict

    return {
        "holds": all(check.holds for check in checks),
        "verdict": verdict(checks),
        "checks": [asdict(check) for check in checks],
    }
