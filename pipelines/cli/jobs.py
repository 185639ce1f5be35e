"""`livepulse jobs`: the Flink applications that compute the metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.catalogue import Job
    from pipelines.flink.rest import Application
    from pipelines.settings import Settings

ALL = "livepulse"
"""Name of the application that runs every job."""

NOTHING_RUNS = 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The jobs that compute the metrics, as applications on Flink.",
    epilog="Examples: [cyan]livepulse jobs submit[/]  ·  [cyan]livepulse jobs status[/]  ·  [cyan]livepulse jobs stop[/]",
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs to run as one application; all when left out.")]
Name = Annotated[str, typer.Argument(metavar="[APPLICATION]", help="Its name as in `livepulse jobs status`.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON.")]


@app.command("list")
def list_jobs(as_json: AsJson = False) -> None:
    """Show which jobs there are: what they read, what they count, and whether they run.

    Example: [cyan]livepulse jobs list[/]
    """
    from rich.console import Console
    from rich.table import Table

    from jobs.catalogue import jobs
    from pipelines.errors import UserError
    from pipelines.settings import settings

    try:
        covered = {name: application for application in _running(settings()) for name in _jobs_in(settings(), application)}
    except UserError:  # the catalogue is worth showing without Flink
        covered = {}
    if as_json:
        rows = [
            {
                "job": job.name,
                "description": job.description,
                "topics": job.topics,
                "tables": list(job.tables),
                "application": covered[job.name].name if job.name in covered else None,
            }
            for job in jobs().values()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("Job", "What it says", "Reads", "Counts in", "Runs in", box=None)
    for job in jobs().values():
        runs_in = covered[job.name].name if job.name in covered else "–"
        table.add_row(job.name, job.description, ", ".join(job.topics), ", ".join(job.tables), runs_in)
    Console().print(table)


@app.command()
def submit(names: Names = None) -> None:
    """Start jobs as one application, which reads each topic once however many of its jobs need it.

    Reading begins at the start of the topics: counters only grow, so counting again changes nothing. What runs already
    as it would be started is left alone: Flink brings its applications back by itself when it starts again.

    Examples: [cyan]livepulse jobs submit[/]  ·  [cyan]livepulse jobs submit interaction dwell[/]
    """
    from pipelines.settings import settings

    chosen = _chosen(names)
    _start(settings(), chosen, _name(chosen), savepoint=None)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the applications with their checkpoints and restarts; exit 3 when none runs.

    Examples: [cyan]livepulse jobs status[/]  ·  [cyan]livepulse jobs status --json[/]
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from pipelines.flink import rest
    from pipelines.settings import settings

    found = _running(settings())
    details = [
        (a, rest.restarts(settings(), a), rest.checkpoints(settings(), a), rest.last_failure(settings(), a.id)) for a in found
    ]
    if as_json:
        rows = [
            asdict(a) | {"restarts": restarts, "checkpoints": asdict(c), "last_failure": failure}
            for a, restarts, c, failure in details
        ]
        typer.echo(json.dumps(rows, indent=2, default=str))
    elif not found:
        Console(stderr=True).print("No application runs. Start one: livepulse jobs submit")
    else:
        table = Table("Application", "State", "Running for", "Checkpoints", "Last one", "Restarts", "Last failure", box=None)
        for a, restarts, c, failure in details:
            last = "–" if c.last_age_seconds is None else f"{c.last_age_seconds:.0f} s ago, {(c.last_bytes or 0) / 1e6:.1f} MB"
            counts = f"{c.completed} done, {c.failed} failed"
            table.add_row(
                a.name, a.state, f"{a.seconds:.0f} s", counts, last, "–" if restarts is None else str(restarts), failure or "–"
            )
        Console().print(table)
    if not found:
        raise typer.Exit(NOTHING_RUNS)


@app.command()
def stop(
    name: Name = ALL,
    savepoint: Annotated[bool, typer.Option("--savepoint/--no-savepoint", help="Keep all it remembers, to resume from.")] = True,
) -> None:
    """Stop an application, by default with a savepoint from which `resume` goes on.

    Examples: [cyan]livepulse jobs stop[/]  ·  [cyan]livepulse jobs stop interaction --no-savepoint[/]
    """
    from rich.console import Console

    from pipelines.flink import rest, savepoints
    from pipelines.flink.application import OPERATORS
    from pipelines.settings import settings

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    application = _find(settings(), name)
    with console.status(f"Stopping {name} …"):
        if savepoint:
            covered = _jobs_in(settings(), application)
            operators = rest.parameters(settings(), application).get(OPERATORS)
            path = rest.stop_with_savepoint(settings(), application)
            savepoints.remember(settings(), name, path, covered, operators)
        else:
            rest.cancel(settings(), application)
        rest.wait_until_over(settings(), application)
    console.print(
        f"[green]✓[/] {name} is stopped" + (f", savepoint: {path}\nGo on: livepulse jobs resume {name}" if savepoint else "")
    )


@app.command()
def resume(
    name: Name = ALL,
    savepoint: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH", help="A savepoint or retained checkpoint; the last savepoint when left out."),
    ] = None,
) -> None:
    """Start an application from where it was stopped, with the jobs that it had.

    Examples: [cyan]livepulse jobs resume[/]  ·  [cyan]livepulse jobs resume interaction --from file:///…/savepoint-1a2b3c[/]
    """
    from pipelines.flink import savepoints
    from pipelines.settings import settings
    from pipelines.stack.health import require

    require(settings(), "kafka", "flink")
    if savepoint is None:
        stopped = savepoints.last(settings(), name)
        _start(settings(), _chosen(stopped.jobs), name, stopped.savepoint, stopped.operators)
    else:
        _start(settings(), _chosen(_jobs_of(name)), name, savepoint)


def _start(settings: Settings, chosen: list[Job], name: str, savepoint: str | None, remembered: str | None = None) -> None:
    from rich.console import Console

    from pipelines.errors import UserError
    from pipelines.flink import rest
    from pipelines.flink.application import VERSION, made_from
    from pipelines.flink.application import submit as submit_application
    from pipelines.stack.health import require

    require(settings, "kafka", "flink")
    console = Console(stderr=True, highlight=False)
    wanted = {job.name for job in chosen}
    for application in _running(settings):
        if double := wanted & _jobs_in(settings, application):
            if double == wanted and application.name == name and savepoint is None:
                if rest.parameters(settings, application).get(VERSION) == made_from(settings, chosen, name):
                    console.print(f"[green]✓[/] {name} runs already as {application.id}")
                    return
                raise UserError(
                    f"{name} already runs, with other SQL, settings or jars than today's.",
                    hint="Go on with today's and all it remembers, which is refused where the SQL is another: "
                    f"livepulse jobs stop {name} && livepulse jobs resume {name}\n"
                    f"Or count everything again: livepulse jobs stop {name} --no-savepoint && livepulse jobs submit",
                )
            others = " ".join(sorted(wanted - double))
            raise UserError(
                f"{', '.join(sorted(double))} already runs in the application {application.name}.",
                hint=f"Stop it first: livepulse jobs stop {application.name}"
                + (f"\nOr start the others beside it: livepulse jobs submit {others}" if others else ""),
            )
    with console.status(f"Compiling and starting {name} … (about 20 s)"):
        number = submit_application(settings, chosen, name, savepoint, remembered)
        rest.wait_until_running(settings, number)
    console.print(f"[green]✓[/] {name} runs as {number}: http://{settings.flink_address}/#/job/{number}/overview")


def _chosen(names: list[str] | None) -> list[Job]:
    from jobs.catalogue import jobs
    from pipelines.errors import UserError

    if unknown := set(names or ()) - jobs().keys():
        raise UserError(f"There is no job {', '.join(sorted(unknown))}.", hint=f"Jobs: {', '.join(jobs())}.", exit_code=2)
    return [job for name, job in jobs().items() if not names or name in names]


def _name(chosen: list[Job]) -> str:
    from jobs.catalogue import jobs

    return ALL if len(chosen) == len(jobs()) else "+".join(job.name for job in chosen)


def _jobs_in(settings: Settings, application: Application) -> set[str]:
    """The jobs that an application runs: `livepulse` need not have every job, one may have been added since it began."""
    from jobs.catalogue import jobs
    from pipelines.flink import rest

    written = rest.sinks(settings, application)
    return {job.name for job in jobs().values() if written & job.outputs.keys()}


def _jobs_of(application: str) -> list[str]:
    """The jobs that an application's name says it has."""
    from jobs.catalogue import jobs

    return list(jobs()) if application == ALL else application.split("+")


def _running(settings: Settings) -> list[Application]:
    from pipelines.flink import rest

    return [application for application in rest.overview(settings) if application.running]


def _find(settings: Settings, name: str) -> Application:
    from pipelines.errors import UserError

    running = _running(settings)
    for application in running:
        if application.name == name:
            return application
    names = ", ".join(application.name for application in running) or "none"
    raise UserError(f"No application {name} runs.", hint=f"Running: {names}.", exit_code=NOTHING_RUNS)
