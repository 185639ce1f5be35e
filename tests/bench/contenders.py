"""The two contenders, each run once from a fresh start: what they counted is checked before their time counts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

import orjson

from jobs.catalogue import jobs
from pipelines.flink import rest
from pipelines.flink.application import submit
from pipelines.settings import Settings
from tests.bench import observe, results
from tests.bench.cpu import MACHINE, CpuHistory
from tests.bench.events import Prepared
from tests.bench.offsets import Log
from tests.judge.compare import compare

PYTHON, LIVEPULSE = "Python, one process", "livepulse, all jobs"

_QUIET_SECONDS = 3.0
"""How long nothing may have been written after the last event has been read."""
_STALLED_SECONDS = 180.0


class Mismatch(Exception):
    """A contender counted something else than it should: its time says nothing."""


@dataclass(frozen=True)
class Run:
    """One run of one contender."""

    contender: str
    events: int
    seconds: float
    """From the first record to the last: start-up is not in it."""
    cpu: dict[str, float]
    """CPU seconds in this time by process: consumer or taskmanager and jobmanager, and kafka."""
    others_share: float
    """Share of the machine that processes used which have nothing to do with this."""
    details: dict[str, object] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    def cpu_per_million(self, *names: str) -> float:
        """CPU seconds of these processes for a million events."""
        return sum(self.cpu.get(name, 0.0) for name in names) * 1_000_000 / self.events


def run_python(settings: Settings, prepared: Prepared, cpu: CpuHistory) -> Run:
    """The plain consumer, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.consumer", settings.kafka_address]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    said = orjson.loads(done.stdout)
    if said["records"] != dict(prepared.records):
        raise Mismatch(f"{PYTHON}: read {said['records']}, sent were {dict(prepared.records)}")
    for topic, sent in prepared.records.items():
        counted, dead = said["counted"].get(topic, 0), prepared.dead[topic]
        if not sent - dead <= counted <= sent:  # it counts whatever it can read: also some of the dead letters
            raise Mismatch(f"{PYTHON}: counted {counted} of {sent} in {topic}, of which {dead} are dead letters")
    details = {name: said[name] for name in ("rows", "distinct_users", "paid", "refunded", "counted")}
    return _run(PYTHON, prepared, cpu, said["began"], said["ended"], {"consumer": said["cpu_seconds"]}, details)


def run_livepulse(settings: Settings, prepared: Prepared, cpu: CpuHistory, name: str) -> Run:
    """All jobs as one new application, from the beginning of the topics until nothing more comes out."""
    log = Log(settings)
    begin = log.metric_ends()
    application = submit(settings, list(jobs().values()), name)
    _await_end(settings, log, application, group=f"flink-{name}")
    end = log.metric_ends()

    sources_since, all_since = observe.running_since(settings, application)
    backend, python = observe.state_backend(settings, application), observe.python_operators(settings, application)
    written = results.read(settings, begin, end)
    vertices = observe.vertices(settings, application, written.last - sources_since)
    running = next(found for found in rest.overview(settings) if found.id == application)
    if restored := rest.checkpoints(settings, running).restored:
        raise Mismatch(f"{LIVEPULSE}: restarted {restored} times: {rest.last_failure(settings, running.id)}")
    rest.cancel(settings, running)

    if backend != observe.ROCKSDB:
        raise Mismatch(f"{LIVEPULSE}: state is kept in {backend}, and not in RocksDB")
    if python:
        raise Mismatch(f"{LIVEPULSE}: operators that call Python: {', '.join(python)}")
    comparison = compare(prepared.tables, written.tables, [table for table in prepared.tables if table != results.WITHOUT_TOPIC])
    if not comparison.ok:
        raise Mismatch(f"{LIVEPULSE}: not what the judge counted\n{comparison}")
    details: dict[str, object] = {
        "state_backend": backend,
        "python_operators": python,
        "rows_compared": comparison.compared,
        "records_written": written.records,
        # Begun is when the first source ran; with these one can see what it would be from a later moment.
        "seconds_from_first_output": round(written.last - written.first, 3),
        "seconds_from_all_tasks_running": round(written.last - all_since, 3),
        "vertices": vertices,
    }
    return _run(LIVEPULSE, prepared, cpu, sources_since, written.last, {}, details)


def _await_end(settings: Settings, log: Log, application: str, group: str) -> None:
    """Returns when every event has been read (the group's offsets say so with a checkpoint) and nothing more is written."""
    wanted = {partition: end for partition, end in log.event_ends().items() if end}
    written, changed = log.metric_ends(), time.monotonic()
    while True:
        time.sleep(1)
        state = observe.state(settings, application)
        if state in rest.TERMINAL:
            raise Mismatch(f"{LIVEPULSE}: the application is {state.lower()}")
        now = log.metric_ends()
        if now != written:
            written, changed = now, time.monotonic()
        quiet = time.monotonic() - changed
        read = log.read_by(group)
        if quiet > _QUIET_SECONDS and all(read.get(partition, 0) >= end for partition, end in wanted.items()):
            return
        if quiet > _STALLED_SECONDS:
            left = sum(end - read.get(partition, 0) for partition, end in wanted.items())
            raise Mismatch(f"{LIVEPULSE}: wrote nothing for {quiet:.0f} s with {left:,} events left to read")


def _run(
    contender: str,
    prepared: Prepared,
    cpu: CpuHistory,
    began: float,
    ended: float,
    own_cpu: dict[str, float],
    details: dict[str, object],
) -> Run:
    used = cpu.between(began, ended)
    machine = used.pop(MACHINE)
    seconds = ended - began
    mine = own_cpu | used
    others = (machine - sum(mine.values())) / (seconds * (os.cpu_count() or 1))
    return Run(
        contender=contender,
        events=prepared.total,
        seconds=round(seconds, 3),
        cpu={name: round(value, 3) for name, value in mine.items()},
        others_share=round(min(max(others, 0.0), 1.0), 3),
        details={"began": began, "ended": ended} | details,
    )
