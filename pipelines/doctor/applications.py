"""The Flink applications: which jobs run, whether they stay up, and whether their checkpoints succeed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from itertools import islice

from jobs.catalogue import Job, jobs
from pipelines.doctor.finding import Finding, Level, one_line, span
from pipelines.flink import rest
from pipelines.flink.application import VERSION, made_from
from pipelines.flink.rest import Application, Checkpoints, Failure
from pipelines.settings import Settings

RECENT_SECONDS = 600
OFTEN = 3
"""So many restarts within `RECENT_SECONDS` are an application that cannot stay up."""
LATE, TOO_LATE = 3, 10
"""Intervals without a checkpoint that are a warning, and a problem."""
STARTING_SECONDS = 60
"""An application may take so long to start; a shorter interval than this is not judged by itself either."""


@dataclass(frozen=True)
class Running:
    """An application and what Flink says of it."""

    application: Application
    sinks: set[str]
    """Names of the outputs that it writes."""
    checkpoints: Checkpoints
    interval_seconds: float
    failures: list[Failure]
    made_from: str | None
    """What it says that it was made from; None where it was not submitted by livepulse."""

    @property
    def jobs(self) -> list[Job]:
        """The jobs that it runs, in the catalogue's order."""
        return [job for job in jobs().values() if self.sinks & job.outputs.keys()]


def look(settings: Settings) -> list[Finding]:
    """Everything that Flink's REST interface tells of applications that write outputs of ours; others are not our business."""
    known = rest.overview(settings)
    running = [
        Running(
            application,
            sinks,
            rest.checkpoints(settings, application),
            rest.checkpoint_interval(settings, application),
            rest.failures(settings, application),
            rest.parameters(settings, application).get(VERSION),
        )
        for application, sinks in _ours(settings, (application for application in known if application.running))
    ]
    gave_up = _ours(settings, (application for application in known if application.state == "FAILED"))
    failed = [(application, rest.failures(settings, application)) for application, _ in islice(gave_up, 1)]
    found = [judge_version(rest.version(settings), _pyflink())]
    found += judge_jobs(running, *failed)
    for one in running:
        found += [judge_restarts(one), judge_checkpoints(one)]
        found.append(judge_build(one, made_from(settings, one.jobs, one.application.name)))
    return found


def _ours(settings: Settings, applications: Iterable[Application]) -> Iterator[tuple[Application, set[str]]]:
    """Those that write an output of a job, and all outputs that they write."""
    outputs = {output for job in jobs().values() for output in job.outputs}
    for application in applications:
        if (sinks := rest.sinks(settings, application)) & outputs:
            yield application, sinks


def _pyflink() -> str | None:
    try:
        return installed_version("apache-flink")
    except PackageNotFoundError:
        return None


def judge_version(cluster: str, installed: str | None) -> Finding:
    """Jobs are compiled by the Flink that is installed here: one of another version need not understand them."""
    check = "version of flink"
    if installed is None:
        return Finding(check, Level.UNKNOWN, f"{cluster}; there is none here to compare with", "pip install 'livepulse[flink]'")
    if cluster != installed:
        seen = f"{cluster} runs, but jobs are compiled here by {installed}"
        return Finding(check, Level.PROBLEM, seen, "livepulse down flink && livepulse up flink    (an existing one: upgrade it)")
    return Finding(check, Level.OK, f"{cluster}, as installed here")


def judge_jobs(running: Sequence[Running], failed: tuple[Application, list[Failure]] | None = None) -> list[Finding]:
    """Jobs that run nowhere, or lack an output that this version writes, are problems.

    Args:
        failed: the last application that Flink gave up, if there is one, and why.
    """
    check = "jobs"
    written = {sink for one in running for sink in one.sinks}
    missing = [job.name for job in jobs().values() if not written & job.outputs.keys()]
    if len(missing) == len(jobs()):
        why = f"; {failed[0].name} failed: {_cause(failed[1])}" if failed else ""
        help_ = "livepulse jobs submit    (from where it was stopped: livepulse jobs resume)"
        return [Finding(check, Level.PROBLEM, f"none runs, so nothing is counted{why}", help_)]
    found = []
    if missing:
        seen = f"{', '.join(missing)} of {len(jobs())} jobs do not run"
        found.append(Finding(check, Level.PROBLEM, seen, f"livepulse jobs submit {' '.join(missing)}"))
    for one in running:
        if lacking := sorted({output for job in one.jobs for output in job.outputs} - one.sinks):
            name = one.application.name
            seen = f"{name} was started by another version of livepulse: it does not write {', '.join(lacking)}"
            again = f"livepulse jobs stop {name} --no-savepoint && livepulse jobs submit {' '.join(job.name for job in one.jobs)}"
            found.append(Finding(check, Level.PROBLEM, seen, again))
    names = ", ".join(one.application.name for one in running)
    return found or [Finding(check, Level.OK, f"all {len(jobs())} run, in {names}")]


def judge_build(one: Running, today: str) -> Finding:
    """An application made from other SQL, settings or jars than today's counts by the definitions of then: a warning.

    Args:
        today: what it would be made from now.
    """
    check, name = f"build of {one.application.name}", one.application.name
    if one.made_from != today:
        help_ = f"livepulse jobs stop {name} && livepulse jobs resume {name}    (goes on with today's and all it remembers)"
        return Finding(check, Level.WARNING, "was made from other SQL, settings or jars than today's", help_)
    return Finding(check, Level.OK, "as it would be made today")


def judge_restarts(one: Running) -> Finding:
    """An application that is not running, or restarts over and over, is a problem; one that restarted lately a warning."""
    check, name, state = f"application {one.application.name}", one.application.name, one.application.state
    recent = [failure for failure in one.failures if failure.age_seconds <= RECENT_SECONDS]
    last = f"; the last time {span(recent[0].age_seconds)} ago: {_cause(recent)}" if recent else ""
    minutes = RECENT_SECONDS // 60
    if len(recent) >= OFTEN:
        seen = f"{state}; it failed {len(recent)} times in {minutes} min{last}"
        return Finding(check, Level.PROBLEM, seen, "livepulse logs taskmanager    and: livepulse logs jobmanager")
    if state != "RUNNING" and one.application.seconds > STARTING_SECONDS:
        return Finding(check, Level.PROBLEM, f"is {state}, not RUNNING{last}", "livepulse status    and: livepulse logs jobmanager")
    if recent:
        return Finding(check, Level.WARNING, f"restarted in the last {minutes} min{last}", "livepulse logs taskmanager")
    return Finding(check, Level.OK, f"{name} is {state} for {span(one.application.seconds)}, no failure in {minutes} min")


def judge_checkpoints(one: Running) -> Finding:
    """The age of the last checkpoint (or of the application, before the first) against the interval, and failing ones."""
    check, found = f"checkpoints of {one.application.name}", one.checkpoints
    interval = one.interval_seconds
    age = one.application.seconds if found.last_age_seconds is None else found.last_age_seconds
    failing = found.failed_age_seconds is not None and (
        found.last_age_seconds is None or found.failed_age_seconds < found.last_age_seconds
    )
    last = "no checkpoint yet" if found.last_age_seconds is None else f"the last checkpoint is {span(age)} old"
    seen = f"{last}, one is due every {span(interval)}; {found.failed} of {found.completed + found.failed} failed"
    if failing:
        seen += f", the last one: {one_line(found.failure or 'no reason given')}"
    # The disk and the tasks are what the log speaks of: see docs/runbook.md, checkpoint-failing.
    help_ = "livepulse logs jobmanager -n 2000 | grep -i checkpoint"
    slack = STARTING_SECONDS if found.last_age_seconds is None else 0
    if age > max(TOO_LATE * interval, STARTING_SECONDS) + slack:
        return Finding(check, Level.PROBLEM, seen, help_)
    if failing or age > max(LATE * interval, STARTING_SECONDS) + slack:
        return Finding(check, Level.WARNING, seen, help_)
    return Finding(check, Level.OK, seen)


def _cause(failures: Sequence[Failure]) -> str:
    return one_line(failures[0].cause) if failures else "Flink gives no cause"
