"""One run of one contender: its process, what it used, and whether it counted right."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from pipelines.settings import Settings
from tests.bench.cpu import MACHINE, CpuHistory
from tests.bench.family.contenders import MAIN_VENV, Contender
from tests.bench.family.contract import WINDOW_MS, ResultRow
from tests.bench.family.prepare import Prepared
from tests.bench.family.recount import COUNTERS
from tests.judge.compare import compare
from tests.judge.tables import Rows

ROOT = Path(__file__).parents[3]
LONGEST_SECONDS = 600.0
_TABLE = "room_10s"
"""As which the judge's comparison takes the rows."""
_OWN, KAFKA = "contender", "kafka"
_QUIET_PERCENT = 5.0
"""Of all CPUs: more than Kafka and Flink use when they have nothing to do."""
_LINES_SHOWN = 30
"""Of what a contender that failed had to say."""


class Wrong(Exception):
    """It counted something else than it should: its time says nothing."""


class Failed(Exception):
    """It did not end well, or said something that cannot be."""


@dataclass(frozen=True)
class Run:
    """What a run took. CPU seconds and others' share are of the time from the first record to the last result."""

    contender: str
    """Its key."""
    seconds: float
    """From the first record to the last result."""
    start_up_seconds: float
    """From the start of its process to the first record."""
    cpu_seconds: float
    """Of its process with all that it started, and of the stack's processes that work for it."""
    kafka_cpu_seconds: float
    peak_memory_bytes: int
    """Resident, of the same processes as `cpu_seconds`, from their start."""
    others_share: float
    """Share of the machine that processes used which have nothing to do with this."""


def python_of(contender: Contender) -> Path:
    """The interpreter that runs it."""
    return Path(sys.executable) if contender.venv == MAIN_VENV else ROOT / contender.venv / "bin" / "python"


def run(
    contender: Contender, settings: Settings, prepared: Prepared, processes: dict[str, psutil.Process], tick: Callable[[], None]
) -> Run:
    """Runs it from a fresh start; `processes` are those of the stack by name.

    Raises:
        Wrong: its rows are not those of the recount.
        Failed: it ended with an error, or took longer than ten minutes.
    """
    _await_quiet(tick)
    with tempfile.TemporaryDirectory(prefix="livepulse-bench-") as folder:
        spec, out, said, log = (Path(folder, name) for name in ("spec.json", "rows.ndjson", "said.json", "log"))
        topics: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (topic, number), end in prepared.ends.items():
            topics[topic][str(number)] = end
        told = {"bootstrap": settings.kafka_address, "topics": topics, "out": str(out), "options": dict(contender.options)}
        spec.write_bytes(orjson.dumps(told))
        command = [str(python_of(contender)), "-m", f"{__package__}.{contender.module}", str(spec)]
        with said.open("wb") as stdout, log.open("wb") as stderr:
            started = time.time()
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
            watched = {_OWN: psutil.Process(process.pid), **{name: processes[name] for name in (KAFKA, *contender.processes)}}
            working = (_OWN, *contender.processes)
            with CpuHistory(watched, with_descendants=working) as history:
                code = _await_end(process, tick)
        if code:
            raise Failed(f"it ended with {code}\n{_last_lines(log)}")
        times = _times(said, started, prepared.records.total())
        if contender.counts:
            expected = prepared.once if contender.handles_duplicates else prepared.every
            comparison = compare({_TABLE: expected}, {_TABLE: read_rows(out)})
            if not comparison.ok:
                raise Wrong(str(comparison))
    began, ended = times
    used, seconds = history.between(began, ended), ended - began
    machine = used.pop(MACHINE)
    return Run(
        contender=contender.key,
        seconds=round(seconds, 3),
        start_up_seconds=round(began - started, 3),
        cpu_seconds=round(sum(used[name] for name in working), 3),
        kafka_cpu_seconds=round(used[KAFKA], 3),
        peak_memory_bytes=history.peak_memory(working),
        others_share=round(max(0.0, machine - sum(used.values())) / (seconds * (os.cpu_count() or 1)), 3),
    )


def _await_quiet(tick: Callable[[], None]) -> None:
    """Until the stack has done what the run before left it to do (a JVM goes on compiling), or for ten seconds."""
    for _ in range(20):
        tick()
        if psutil.cpu_percent(0.5) < _QUIET_PERCENT:
            return


def _await_end(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Its exit code. If it takes too long, or this is interrupted, it is ended with all that it started."""
    deadline = time.monotonic() + LONGEST_SECONDS
    try:
        while time.monotonic() < deadline:
            tick()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(0.2)
        raise Failed(f"it did not end within {LONGEST_SECONDS:.0f} s")
    finally:
        if process.poll() is None:
            found = psutil.Process(process.pid)
            for one in [*found.children(recursive=True), found]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()


def _times(said: Path, started: float, records: int) -> tuple[float, float]:
    """When it began and ended by what it says, unless that cannot be."""
    try:
        # What it started may write there too: PySpark's JVM does.
        answer = orjson.loads([line for line in said.read_bytes().splitlines() if line.startswith(b"{")][-1])
        began, ended, read = float(answer["began"]), float(answer["ended"]), int(answer["records"])
    except (IndexError, ValueError, LookupError, TypeError) as error:
        raise Failed(f"what it said is not what a contender says: {error!r}") from None
    if read != records:
        raise Wrong(f"it read {read:,} records of {records:,}")
    if not started < began < ended < time.time():
        raise Failed(
            f"began {began - started:.3f} and ended {ended - started:.3f} s after its start, over after {time.time() - started:.3f}"
        )
    return began, ended


def read_rows(out: Path) -> Rows:
    """What a contender wrote, as the recount has it."""
    rows: Rows = {}
    with out.open("rb") as file:
        for line in file:
            row: ResultRow = orjson.loads(line)
            key = row["room_id"] or "", row["window_start"] // 1_000
            if row["window_start"] % WINDOW_MS:
                raise Wrong(f"no window begins at {row['window_start']}")
            if key in rows:
                raise Wrong(f"two rows for {key}")
            counters: dict[str, int] = {**row["counts"], "paid": row["paid"], "refunded": row["refunded"], "users": row["users"]}
            if unknown := counters.keys() - set(COUNTERS):
                raise Wrong(f"counters that nobody asked for: {unknown}")
            rows[key] = dict.fromkeys(COUNTERS, 0) | counters
    return rows


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:])
