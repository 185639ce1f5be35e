"""`livepulse jobs`: the Flink applications that compute the metrics."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.catalogue import Job
    from pipelines.flink.rest import Application
    from pipelines.flink.savepoints import Stopped
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
    from rich.table import Table

    from jobs.catalogue import jobs
    from pipelines.errors import UserError
    from pipelines.settings import settings
    from pipelines.terminal import for_tables

    try:
        covered = {name: application for application in _running(settings()) for name in _jobs_in(settings(), application)}
    except UserError as error:  # the catalogue is worth showing without Flink
        covered = {}
        _warn(f"Which jobs run is not known: {error.message}")
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
    for_tables().print(table)


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
    from pipelines.terminal import for_tables

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
        for_tables().print(table)
    if not found:
        raise typer.Exit(NOTHING_RUNS)


@app.command()
def stop(
    name: Name = ALL,
    savepoint: Annotated[bool, typer.Option("--savepoint/--no-savepoint", help="Keep all it remembers, to resume from.")] = True,
) -> None:
    """Stop an application, by default with a savepoint from which `resume` goes on.

    Flink ends it when the savepoint is written, however long that takes and whether or not this command waits for it. One that
    does not come to run (it fails again and again, for example) can write none: `resume` goes on from its last checkpoint.

    Examples: [cyan]livepulse jobs stop[/]  ·  [cyan]livepulse jobs stop interaction --no-savepoint[/]
    """
    from rich.console import Console

    from pipelines.flink import rest, savepoints
    from pipelines.flink.application import submit_again
    from pipelines.settings import settings

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    application = _find(settings(), name)
    said = f"[green]✓[/] {name} is stopped"
    with console.status(f"Stopping {name} …"):
        if not savepoint:
            rest.cancel(settings(), application)
        elif rest.is_running(settings(), application.id):
            path = savepoints.stop(settings(), application, _jobs_in(settings(), application))
            said += f", savepoint: {path}\nGo on: livepulse jobs resume {name}"
        elif last := savepoints.stop_at_checkpoint(settings(), application, _jobs_in(settings(), application)):
            said += f"; it did not run, its last checkpoint: {last}\nGo on: livepulse jobs resume {name}"
        else:
            said += f"; it had not come to run, and knew nothing\nStart it: {submit_again(name)}"
    console.print(said)


@app.command()
def resume(
    name: Name = ALL,
    savepoint: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH", help="A savepoint or retained checkpoint; the last savepoint when left out."),
    ] = None,
) -> None:
    """Start an application from where it was stopped, with the jobs that it had; exit 3 when it never was.

    Examples: [cyan]livepulse jobs resume[/]  ·  [cyan]livepulse jobs resume interaction --from file:///…/savepoint-1a2b3c[/]
    """
    from pipelines.flink import savepoints
    from pipelines.settings import settings
    from pipelines.stack.health import require

    require(settings(), "kafka", "flink")
    if savepoint is None:
        stopped = savepoints.last(settings(), name)
        savepoint = stopped.savepoint or _written_since(settings(), name, stopped)
        _refuse_forgotten(settings(), name, stopped, savepoint)
    elif (noted := savepoints.written_as(settings(), savepoint)) is not None:
        stopped = noted
    else:
        stopped = savepoints.Stopped(_jobs_of(name))
        _warn(f"What wrote {savepoint} is not known here: that every count goes on is not checked.")
    _start(settings(), _chosen(stopped.jobs), name, savepoint, stopped.operators)


def _written_since(settings: Settings, name: str, stopped: Stopped) -> str:
    """The savepoint that nobody waited for."""
    from pipelines.errors import UserError
    from pipelines.flink import rest

    if any(application.id == stopped.application for application in _running(settings)):
        raise UserError(f"{name} still runs: its savepoint is being written, or failed.", "Look: livepulse jobs status")
    found = rest.newest_savepoint(settings, stopped.application) if stopped.application else None
    if found is None:
        hint = "Look for it in the folder that Flink's execution.checkpointing.savepoint-dir names, and give it with --from PATH."
        raise UserError(f"Flink does not say which savepoint {name} was stopped with.", hint)
    return found


def _refuse_forgotten(settings: Settings, name: str, stopped: Stopped, savepoint: str) -> None:
    """Flink forgets by the clock, also while nothing runs: windows would begin again in the middle."""
    from pipelines.errors import UserError
    from pipelines.flink.application import submit_again

    hours = 0.0 if stopped.asked_at is None else (time.time() - stopped.asked_at) / 3_600
    if hours > settings.state_ttl_hours:
        raise UserError(
            f"{name} was stopped {hours:,.0f} h ago, and what it remembers is kept for {settings.state_ttl_hours} h.",
            f"Count everything again from the topics: {submit_again(name)}\n"
            f"Or go on all the same, with windows and people of then counted anew: livepulse jobs resume {name} --from {savepoint}",
        )


def _warn(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(text, style="yellow", markup=False)


def _start(settings: Settings, chosen: list[Job], name: str, savepoint: str | None, remembered: str | None = None) -> None:
    from rich.console import Console

    from pipelines.errors import UserError
    from pipelines.flink import rest
    from pipelines.flink.application import VERSION, made_from, submit_again
    from pipelines.flink.application import submit as submit_application
    from pipelines.stack.health import clickhouse_health, require
    from pipelines.storage import refuse_other_rules

    require(settings, "kafka", "flink")
    if clickhouse_health(settings).ok:  # jobs can start without it
        refuse_other_rules(settings)
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
                    f"Or count everything again: livepulse jobs stop {name} --no-savepoint && {submit_again(name)}",
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
    if savepoint is None:
        _warn_of_what_is_gone(settings, chosen)
    console.print(f"[green]✓[/] {name} runs as {number}: http://{settings.flink_address}/#/job/{number}/overview")


def _warn_of_what_is_gone(settings: Settings, chosen: list[Job]) -> None:
    from pipelines.topics import shortened

    for job in chosen:
        if job.state == "forever" and (gone := shortened(settings, job.topics)):
            _warn(
                f"Kafka no longer holds the first records of {', '.join(gone)}, and {job.name} knows nothing of them: "
                "who bought only then counts as new."
            )


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
            if not _jobs_in(settings, application):
                raise UserError(f"{name} on Flink is not livepulse's: none of its jobs writes there.", "Its owner stops it.")
            return application
    names = ", ".join(application.name for application in running) or "none"
    raise UserError(f"No application {name} runs.", hint=f"Running: {names}.", exit_code=NOTHING_RUNS)
