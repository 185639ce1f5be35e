"""`livepulse install`, `up`, `status`, `logs` and `down`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipelines.stack.lifecycle import Say, Status, Watch

SOMETHING_DOWN = 3

Services = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="kafka, flink, clickhouse; all when left out.")]


def install() -> None:
    """Get the jars from Maven and, where there is no clickhouse program, ClickHouse's engine from npm.

    Does nothing for what is already there and made from the same inputs.

    Example: [cyan]livepulse install[/]
    """
    from pipelines.settings import settings
    from pipelines.stack.components import install as install_components
    from pipelines.stack.components import parts

    console = _console()
    with _progress(console) as (say, _):
        made = install_components(settings(), say)
    for part in parts(settings()):
        console.print(f"[green]✓[/] {part.title}{'' if part.name in made else ' [dim](was there)[/]'}")


def up(services: Services = None) -> None:
    """Start what does not run, and wait until each service answers. Running it twice does no harm.

    A service whose address you set (LIVEPULSE_KAFKA, LIVEPULSE_FLINK, LIVEPULSE_CLICKHOUSE) is used and left alone.

    Examples: [cyan]livepulse up[/]  ·  [cyan]livepulse up kafka clickhouse[/]
    """
    from pipelines.settings import settings
    from pipelines.stack import lifecycle

    console = _console()
    with _progress(console) as (say, watch):
        lifecycle.up(settings(), services or (), say, watch)
    console.print(_table(lifecycle.status(settings(), services or ())))


def status(
    services: Services = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Show state, address, pid, uptime, memory and health. Ends with 0 when all are well and with 3 when one is not.

    Examples: [cyan]livepulse status[/]  ·  [cyan]livepulse status kafka --json[/]
    """
    from pipelines.settings import settings
    from pipelines.stack import lifecycle

    lines = lifecycle.status(settings(), services or ())
    healthy = all(line.healthy for line in lines)
    if as_json:
        found = {"home": str(settings().home), "healthy": healthy, "services": [asdict(line) for line in lines]}
        typer.echo(json.dumps(found, indent=2))
    else:
        _console().print(_table(lines))
    if not healthy:
        raise typer.Exit(SOMETHING_DOWN)


def logs(
    service: Annotated[str | None, typer.Argument(help="kafka, jobmanager, taskmanager or clickhouse; all when left out.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each log.")] = 50,
) -> None:
    """Show the last lines of the logs, or follow them.

    Examples: [cyan]livepulse logs kafka[/]  ·  [cyan]livepulse logs -f[/]  ·  [cyan]livepulse logs taskmanager -n 500[/]
    """
    from pipelines.errors import UserError
    from pipelines.settings import settings
    from pipelines.stack.layout import PROCESSES, Layout
    from pipelines.stack.logs import follow as new_lines
    from pipelines.stack.logs import tail

    if service is not None and service not in PROCESSES:
        raise UserError(f"There is no log of {service!r}.", f"Logs: {', '.join(PROCESSES)}.", exit_code=2)
    layout = Layout.of(settings())
    paths = {name: layout.log(name) for name in PROCESSES if service in (None, name)}
    if not follow and not any(path.exists() for path in paths.values()):
        raise UserError(f"There are no logs in {layout.logs}: nothing has been started.", "Start the stack: livepulse up")
    width = max(map(len, paths))

    def show(name: str, line: str) -> None:
        typer.echo(line if service else typer.style(f"{name:<{width}} | ", fg="cyan") + line)

    for name, path in paths.items():
        for line in tail(path, lines):
            show(name, line)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            for name, line in new_lines(paths):
                show(name, line)


def down(
    services: Services = None,
    wipe: Annotated[bool, typer.Option("--wipe", help="Also delete their data: topics, tables, checkpoints.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --wipe: do not ask.")] = False,
) -> None:
    """Stop the services and wait until they have ended. Data is kept unless you ask for --wipe.

    Examples: [cyan]livepulse down[/]  ·  [cyan]livepulse down flink[/]  ·  [cyan]livepulse down --wipe[/]
    """
    from pipelines.settings import settings
    from pipelines.stack import lifecycle

    console = _console()
    if wipe:
        lifecycle.refuse_offsets_anew(services or ())
    if wipe and not yes:
        what = ", ".join(services) if services else "all services"
        typer.confirm(f"Delete the data of {what} in {settings().home}?", abort=True)
    with _progress(console) as (say, watch):
        lifecycle.down(settings(), services or (), say, watch)
        if wipe:
            lifecycle.wipe(settings(), services or (), say)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[tuple[Say, Watch]]:
    """One function for lines that stay, one for the line that shows what is being waited for."""
    from rich.markup import escape

    with console.status("…") as line:

        def say(message: str) -> None:
            console.print(escape(message), soft_wrap=True)
            line.update(escape(message))

        def watch(names: list[str], seconds: float) -> None:
            line.update(f"Waiting for {', '.join(names)}: {seconds:.0f} s")

        yield say, watch


def _table(lines: list[Status]) -> Table:
    from datetime import timedelta

    from rich.table import Table
    from rich.text import Text

    from pipelines.terminal import harmless

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Service", "State", "Address", "Pid", "Uptime", "Memory", "Health"):
        table.add_column(column, justify="right" if column in ("Pid", "Uptime", "Memory") else "left", overflow="fold")
    for line in lines:
        colour = "green" if line.healthy else "red"
        table.add_row(
            line.name,
            Text(line.state, style=colour),
            Text(line.address),
            str(line.pid or "-"),
            str(timedelta(seconds=line.uptime_seconds)) if line.uptime_seconds is not None else "-",
            f"{line.memory_mb} MB" if line.memory_mb is not None else "-",
            Text(harmless(f"{'✓' if line.healthy else '✗'} {line.detail}".rstrip()), style=colour),
        )
    return table
