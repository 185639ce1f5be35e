"""The whole of livepulse in one run: start what is missing, send broadcasts, show them, prove the numbers, stop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.board.server import BoardServer
from pipelines.cli.progress import Stop
from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack import components, lifecycle, ports, supervision
from pipelines.stack.layout import SERVICES, Layout, external_address
from pipelines.watch import catchup
from pipelines.watch.board import Reader, Repurchase, Room, Totals
from pipelines.watch.freshness import Freshness, FreshnessProbe
from pipelines.watch.live import LiveBoard
from pipelines.watch.phases import Phases
from pipelines.watch.simulator import Simulator

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.flink.rest import Application
    from pipelines.verify.result import Check

MINUTES = 10
"""Rooms without a record for so long are of an earlier run."""

_SETTLE_SECONDS = 60
_STILL_FILLING_SECONDS = 15
"""Rows this young are left out of the comparison while someone else still sends."""
_SUPERVISOR_SECONDS = 15
_APPLICATION = "livepulse"
_CONSUMERS = "SELECT count(), countIf(notEmpty(assignments.topic)) FROM system.kafka_consumers WHERE database = currentDatabase()"


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    duration: float | None
    rate: float
    seed: int
    rooms: int
    keep: bool


@dataclass
class Outcome:
    """What a run showed."""

    rooms: list[Room]
    totals: Totals
    repurchase: Repurchase | None
    sent: dict[str, Any]
    """The simulator's summary."""
    freshness: Freshness | None
    freshness_by_job: dict[str, Freshness]
    overdue: int
    poll_seconds: float | None
    first_number_seconds: float | None
    """From the first event sent to the first number of this run in a view."""
    first_number_after: float | None
    """The same from the command's beginning."""
    checks: list[Check]
    seconds: dict[str, float] = field(default_factory=dict)
    """What each step took."""

    @property
    def holds(self) -> bool:
        """Whether verify found no difference."""
        return all(check.holds for check in self.checks)

    @property
    def missing(self) -> list[str]:
        """Core metrics that no room has a value above zero for."""
        return missing_metrics(self.rooms, self.repurchase)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        from pipelines.verify.run import verdict
        from pipelines.watch.render import as_json

        totals = asdict(self.totals)
        totals["applications"] = [f"{a.name} {a.state}" for a in self.totals.applications or ()]
        return {
            "holds": self.holds,
            "verdict": verdict(self.checks),
            "missing_metrics": self.missing,
            "rooms": as_json(self.rooms),
            "totals": totals,
            "repurchase": asdict(self.repurchase) if self.repurchase else None,
            "freshness": asdict(self.freshness) if self.freshness else None,
            "freshness_by_job": {name: asdict(found) for name, found in self.freshness_by_job.items()},
            "overdue_events": self.overdue,
            "poll_seconds": self.poll_seconds,
            "first_number_seconds": self.first_number_seconds,
            "first_number_after": self.first_number_after,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "sent": self.sent,
        }


def missing_metrics(rooms: Sequence[Room], repurchase: Repurchase | None) -> list[str]:
    """The core metrics for which every room shows zero or nothing."""
    found = {
        "concurrency": any(room.viewers_now for room in rooms),
        "interaction rate": any(room.interaction_rate for room in rooms),
        "average watch time": any(room.average_watch_seconds for room in rooms),
        "conversion rate": any(room.conversion_rate for room in rooms),
        "GMV": any(money.paid for room in rooms for money in room.money),
        # Nobody need have bought twice yet, but that is known only from buyers who bought once.
        "repurchase": repurchase is not None and repurchase.buyers > 0,
    }
    return [name for name, present in found.items() if not present]


class Demo:
    """One run. On leaving, what it has started is stopped, unless it is to be kept."""

    def __init__(self, settings: Settings, options: Options, console: Console) -> None:
        self._settings, self._options, self._console = settings, options, console
        self._phases = Phases(console)
        self._began = time.time()
        self._cleanup = Cleanup(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not self._options.keep:
                self._cleanup.stop(self._phases)
        finally:
            self._console.print(self._cleanup.left_running())

    def run(self) -> Outcome:
        """Everything but stopping.

        Raises:
            UserError: something that the user can put right.
        """
        options, settings = self._options, self._settings
        ports.refuse_taken(settings, "board_port")  # before anything has been started in vain
        self._prepare()
        log = Layout.of(settings).logs / "simulate.log"
        board = BoardServer(settings)
        with board, Reader(settings, MINUTES) as reader, FreshnessProbe(settings, stores=True) as probe:
            self._console.print(f"The board is at [bold]{board.address}[/]")
            began = time.time()
            with Simulator(log, options.rate, options.rooms, options.seed, options.duration) as simulator, Stop() as stop:
                first_number = self._show(reader, probe, simulator, stop, began)
                with self._phases.phase("stop_sending", "Stopping the simulator") as say:
                    sent = simulator.stop()
                    ended = time.time()
                    say(f"{sent['sent']:,} events sent in {sent['seconds']:.0f} s")
            with self._phases.phase("settle", "Waiting until everything sent is visible, and checking it") as say:
                checks = settle(settings, say)
            rooms = [room for room in reader.rooms(at=ended) if time.time() - room.age_seconds >= began]
            totals, repurchase = reader.totals(), reader.repurchase()
        first_sent = datetime.fromisoformat(sent["start"]).timestamp()
        return Outcome(
            rooms=rooms,
            totals=totals,
            repurchase=repurchase,
            sent=sent,
            freshness=probe.total(),
            freshness_by_job=probe.by_job(),
            overdue=probe.overdue,
            poll_seconds=probe.interval,
            first_number_seconds=None if first_number is None else max(0.0, first_number - first_sent),
            first_number_after=None if first_number is None else first_number - self._began,
            checks=checks,
            seconds=self._phases.seconds,
        )

    def _prepare(self) -> None:
        from pipelines import storage, topics
        from pipelines.stack.health import require

        settings, phases = self._settings, self._phases
        with phases.phase("install", "Installing what is missing") as say:
            components.java()
            components.flink_home()
            say(", ".join(components.install(settings, say)) or "nothing")
        with phases.phase("start", "Starting Kafka, ClickHouse and Flink") as say:
            if any(external_address(settings, service) is None for service in SERVICES):
                if not self._options.keep:
                    # They are gone in minutes, before a well optimised code would have paid for itself.
                    os.environ.setdefault("JDK_JAVA_OPTIONS", components.COMPILED_AT_ONCE)
                lifecycle.up(settings, (), say, lambda names, _: say(f"waiting for {', '.join(names)}"))
            require(settings, *SERVICES)
            say("")
        with phases.phase("tables", "Topics, tables and views") as say:
            created = topics.create_missing(settings)
            storage.migrate(settings)
            say(f"{len(created)} topics created")
        with phases.phase("jobs", "Jobs on Flink") as say:
            application, until = self._submit(say)
        with phases.phase("queues", "ClickHouse reading from Kafka") as say:
            wait_until_assigned(settings, say)
        if application:
            with phases.phase("catch_up", "Reading what the topics held already") as say:
                catchup.wait_until_read(
                    settings, application, until, lambda left, first: say(f"{first - left:,} of {first:,} records")
                )

    def _submit(self, say: Callable[[str], None]) -> tuple[str | None, catchup.Offsets]:
        """Start the jobs that do not run; returns the application's id and the ends of the topics, if they hold records."""
        from jobs.catalogue import jobs
        from pipelines.flink import rest

        running = [application for application in rest.overview(self._settings) if application.running]
        written = {sink for application in running for sink in rest.sinks(self._settings, application)}
        todo = [name for name, job in jobs().items() if not written & job.outputs.keys()]
        if not todo:
            say(f"{', '.join(a.name for a in running)} runs already")
            return None, {}
        until = catchup.ends(self._settings)
        say("compiling the SQL and starting the tasks")
        try:
            # A process of its own: PyFlink's Java ends with it and leaves its memory to the rest.
            livepulse("jobs", "submit", *(todo if len(todo) < len(jobs()) else ()))
        finally:  # also when it was interrupted after Flink had taken it
            before = {application.id for application in running}
            started = [a for a in rest.overview(self._settings) if a.running and a.id not in before]
            self._cleanup.application = next(iter(started), None)
        if self._cleanup.application is None:
            raise UserError(
                "Flink does not list the application that was started.", "livepulse jobs status; livepulse logs jobmanager"
            )
        say(f"{', '.join(todo)} as {self._cleanup.application.name}")
        return (self._cleanup.application.id if until else None), until

    def _show(self, reader: Reader, probe: FreshnessProbe, simulator: Simulator, stop: Stop, began: float) -> float | None:
        """Show the board while it sends; returns when the first number of this run was there."""
        first_number = None
        with LiveBoard(self._console, reader, probe, transient=True) as live:
            while simulator.running and not stop.requested:
                rooms = live.refresh(self._foot(time.time() - began))
                now = time.time()
                if first_number is None and any(now - room.age_seconds >= began for room in rooms):
                    first_number = now
                live.wait(1.0 if first_number else 0.2)
        return first_number

    def _foot(self, seconds: float) -> str:
        until = f"of {self._options.duration:.0f} s" if self._options.duration is not None else "s; Ctrl-C stops and checks"
        return f"simulating {self._options.rate:,.0f} events/s, seed {self._options.seed}: {seconds:.0f} {until}"


def livepulse(*arguments: str) -> None:
    """Run another command.

    Raises:
        UserError: with what it said, when it fails.
    """
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"livepulse {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout.strip()}", "livepulse logs")


def wait_until_assigned(settings: Settings, say: Callable[[str], None]) -> None:
    """Wait until ClickHouse's consumers have their partitions, which takes seconds after a migration made them anew."""
    from pipelines.clickhouse import connect

    client = connect(settings)
    try:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            [(consumers, ready)] = client.execute(_CONSUMERS)
            say(f"{ready} of {consumers} queues")
            if ready == consumers > 0:
                return
            time.sleep(0.2)
    finally:
        client.disconnect()


def settle(settings: Settings, say: Callable[[str], None]) -> list[Check]:
    """Wait until the tables hold all that was sent and the counters agree with it, then verify.

    It waits as long as there is progress; a difference that stays for a minute is one.
    """
    from pipelines.clickhouse import connect
    from pipelines.verify.counters import check_counters
    from pipelines.verify.records import check_records
    from pipelines.verify.run import run

    say("are the topics quiet?")
    before = catchup.ends(settings)
    time.sleep(1.5)
    filling = _STILL_FILLING_SECONDS if catchup.ends(settings) != before else 0
    client = connect(settings)
    try:
        say("records")
        check_records(settings, client, _SETTLE_SECONDS)
        fewest, since = None, time.monotonic()
        while differences := sum(c.lost + c.extra + c.wrong for c in check_counters(settings, client, filling)):
            say(f"{differences:,} rows of counters to go")
            if fewest is None or differences < fewest:
                fewest, since = differences, time.monotonic()
            elif time.monotonic() - since > _SETTLE_SECONDS:
                break
            time.sleep(0.5)
        checks = run(settings, client, _SETTLE_SECONDS, filling, say)
        say("someone else still sends: what is still filling was left out" if filling else "")
        return checks
    finally:
        client.disconnect()


class Cleanup:
    """Knows what ran before, and stops what has been started since."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._before = running_services(settings)
        self.application: Application | None = None
        """The application that this run started."""

    def stop(self, phases: Phases) -> None:
        """Stop what was started since."""
        from pipelines.flink import rest

        services = [name for name in SERVICES if name in running_services(self._settings) - self._before]
        if not services and self.application is None:
            return
        with phases.phase("stop", "Stopping what the demo started") as say:
            if self.application is not None:  # Flink would bring it back at its next start
                rest.cancel(self._settings, self.application)
            if services:
                lifecycle.down(self._settings, services, say, lambda names, _: say(f"waiting for {', '.join(names)}"))
            self.application = None
            say(", ".join(services) or _APPLICATION)

    def left_running(self) -> str:
        """What runs now, and how to stop it."""
        services = [name for name in SERVICES if name in running_services(self._settings)]
        external = [name for name in SERVICES if external_address(self._settings, name)]
        if not services:
            others = f" ({', '.join(external)}: existing services, as they were)" if external else ""
            return f"Nothing is left running{others}."
        before = " as before" if set(services) <= self._before else ""
        return f"Left running{before}: {', '.join(services)}. To stop: livepulse down"


def running_services(settings: Settings) -> set[str]:
    """The services of the local stack of which a process runs."""
    layout = Layout.of(settings)
    supervisor = supervision.connect(layout)
    deadline = time.monotonic() + _SUPERVISOR_SECONDS
    # A start that was interrupted may have left one that does not answer yet.
    while supervisor is None and time.monotonic() < deadline and supervision.running_pid(layout) is not None:
        time.sleep(0.2)
        supervisor = supervision.connect(layout)
    states = supervisor.states() if supervisor else {}
    return {
        service for service, processes in SERVICES.items() if any(name in states and states[name].is_running for name in processes)
    }
