"""`livepulse migrate` and `livepulse generate`."""

from __future__ import annotations

from typing import Annotated

import typer


def migrate() -> None:
    """Create the Kafka topics that are missing and bring ClickHouse's tables, queues and views up to date.

    Safe to repeat, and while events arrive: tables that keep data only ever gain columns, everything else is made anew.

    Example: [cyan]livepulse migrate[/]
    """
    from rich.console import Console

    from pipelines import storage, topics
    from pipelines.settings import settings
    from pipelines.stack.health import require

    console = Console(stderr=True, highlight=False)
    require(settings(), "kafka", "clickhouse")
    with console.status("Topics …"):
        created = topics.create_missing(settings())
    console.print(f"[green]✓[/] topics: {len(created)} created, {len(topics.required_topics()) - len(created)} were there")
    with console.status("Tables and views …"):
        applied = storage.migrate(settings())
    console.print(
        f"[green]✓[/] database {settings().clickhouse_database}: {len(applied)} migrations applied, queues and views made anew"
    )


def generate(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when something is out of date.")] = False,
) -> None:
    """Write everything that follows from schemas/ and jobs/: SQL, JSON Schema, AsyncAPI, data dictionary, migrations.

    For developers, after changing an event, a topic, a grain or a job's metadata.

    Examples: [cyan]livepulse generate[/]  ·  [cyan]livepulse generate --check[/]
    """
    from rich.console import Console

    from pipelines.generate import GENERATED, stale, write

    console = Console(stderr=True, highlight=False)
    root = GENERATED.parent.parent
    if check:
        if out_of_date := stale():
            for path in out_of_date:
                console.print(f"[red]out of date:[/] {path.relative_to(root)}")
            console.print("Run: livepulse generate")
            raise typer.Exit(1)
        console.print("[green]✓[/] everything generated is up to date")
        return
    written = write()
    for path in written:
        console.print(f"{'wrote' if path.exists() else 'removed'} {path.relative_to(root)}")
    console.print(f"[green]✓[/] {len(written)} files written" if written else "[green]✓[/] nothing to do")
