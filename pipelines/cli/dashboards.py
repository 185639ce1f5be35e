"""`livepulse dashboards`: build, check, push."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.board import Language

if TYPE_CHECKING:
    from pipelines.grafana.check import Finding

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Grafana's dashboards and alerts, as code: build their files, check their statements, push them.",
    epilog="Examples: [cyan]livepulse dashboards build[/]  ·  [cyan]livepulse dashboards check[/]  ·  "
    "[cyan]livepulse dashboards push --dry-run[/]",
)

WRONG = 1


@app.command()
def build(
    check: Annotated[bool, typer.Option("--check", help="Only say what is out of date; exit 1 if anything is.")] = False,
) -> None:
    """Write the dashboards' files, in each language, from dashboards/ and the metric catalogue.

    For developers, after changing a dashboard, its SQL or texts, or a metric.

    Examples: [cyan]livepulse dashboards build[/]  ·  [cyan]livepulse dashboards build --check[/]
    """
    from rich.console import Console

    from dashboards import GENERATED
    from dashboards.build import files
    from pipelines.generate import stale_in, write_in

    console = Console(stderr=True, highlight=False)
    wanted = {GENERATED / name: text for name, text in files().items()}
    found = stale_in(GENERATED, wanted) if check else write_in(GENERATED, wanted)
    for path in found:
        done = "wrote" if path.exists() else "removed"
        console.print(f"{'[red]out of date:[/]' if check else done} {path.relative_to(GENERATED.parent.parent)}")
    if check and found:
        console.print("Run: livepulse dashboards build")
        raise typer.Exit(WRONG)
    console.print("[green]✓[/] the dashboards' files are up to date")


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a row for each panel and choice.")] = False,
    hours: Annotated[float, typer.Option(min=0.1, max=87_600, help="The time range: so many hours until now.")] = 24,
) -> None:
    """Run every panel's statement with one room, several, all, and a name with quotes in it; and every alert's.

    Exit 1 when one fails, is empty where it should not be, takes over 200 ms, gives other columns than the dashboard
    shows, or would paste a variable into its text. ClickHouse must hold a broadcast of the time range.

    Examples: [cyan]livepulse dashboards check[/]  ·  [cyan]livepulse dashboards check --hours 1 --json | jq .[/]
    """
    from pipelines.grafana.check import run
    from pipelines.settings import settings
    from pipelines.stack.health import require

    require(settings(), "clickhouse")
    findings = run(settings(), hours)
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=2, ensure_ascii=False))
    else:
        _show(findings)
    raise typer.Exit(WRONG if any(finding.problem for finding in findings) else 0)


@app.command()
def push(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    language: Annotated[Language, typer.Option(help="Of titles and descriptions.")] = Language.EN,
) -> None:
    """Send the dashboards and alerts to the Grafana at LIVEPULSE_GRAFANA_URL, with the token LIVEPULSE_GRAFANA_TOKEN.

    Only what differs is sent. Folders that dashboards were moved to, and permissions, stay as they are.

    Examples: [cyan]livepulse dashboards push --dry-run[/]  ·  [cyan]livepulse dashboards push --language zh[/]
    """
    from rich.console import Console

    from pipelines.grafana.push import push as send
    from pipelines.settings import settings

    console = Console(highlight=False)
    done = {
        "create": "would create" if dry_run else "created",
        "update": "would update" if dry_run else "updated",
        "same": "unchanged",
    }
    for change in send(settings(), language.value, dry_run):
        console.print(f"{done[change.change]:>13}  {change.what}  {change.title}", markup=False)


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipelines.terminal import harmless

    table = Table("dashboard", "panel", "chosen", "rows", "rows read", "ms", "problem", box=None)
    for column in table.columns[3:6]:
        column.justify = "right"
    for found in findings:
        table.add_row(
            found.dashboard,
            found.panel,
            found.chosen,
            f"{found.rows:,}",
            f"{found.read_rows:,}",
            f"{found.milliseconds:.0f}",
            Text(harmless(found.problem), style="red"),
        )
    console = Console(highlight=False)
    console.print(table)
    wrong = sum(1 for found in findings if found.problem)
    slowest = max((found.milliseconds for found in findings), default=0.0)
    console.print(f"{len(findings)} statements run, {wrong} with a problem, the slowest {slowest:.0f} ms")
