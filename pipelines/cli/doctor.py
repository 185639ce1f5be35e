"""`livepulse doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.doctor.finding import Finding

PROBLEM = 1


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False) -> None:
    """Look for what usually goes wrong and name it, with the command that helps. It only looks, for a few seconds.

    Services and processes, jobs and checkpoints, readers that lag or are stuck, tables and versions, disks, dead letters,
    clocks, and what verify said last. Exit 1 when a problem was found; a warning is none.

    Examples: [cyan]livepulse doctor[/]  ·  [cyan]livepulse doctor --json | jq '.findings[] | select(.level == "problem")'[/]
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.markup import escape

    from pipelines.doctor.finding import Level
    from pipelines.doctor.run import examine
    from pipelines.settings import settings

    with Console(stderr=True, highlight=False).status("Looking …") as status:
        findings = examine(settings(), lambda what: status.update(f"Looking at {escape(what)} …"))
    if as_json:
        typer.echo(json.dumps({"level": findings[0].level, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        _show(findings)
    raise typer.Exit(PROBLEM if findings[0].level == Level.PROBLEM else 0)


def _show(findings: list[Finding]) -> None:
    from collections import Counter

    from rich.table import Table
    from rich.text import Text

    from pipelines.doctor.finding import Level
    from pipelines.terminal import for_tables, harmless

    styles = {Level.PROBLEM: "bold red", Level.WARNING: "yellow", Level.UNKNOWN: "magenta", Level.OK: "green"}
    table = Table("", "Check", "Seen, and what helps", box=None, pad_edge=False)
    for found in findings:
        seen = Text(harmless(found.seen))
        if found.help:
            seen.append(f"\n→ {found.help}", style="cyan")
        style = styles[found.level]
        table.add_row(Text(found.level, style=style), Text(found.check, style="" if found.level == Level.OK else style), seen)
    console = for_tables()
    console.print(table)
    counts = Counter(found.level for found in findings)
    console.print(f"{len(findings)} checks: " + ", ".join(f"{counts[level]} {level}" for level in Level))
