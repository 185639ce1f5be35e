"""`make protections`: the fault suite on copies of livepulse that each lack one protection. Every one must be found out.

Exit 1 when a case finds nothing wrong although what protects from it has been taken away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parent.parent.parent
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "__pycache__", "node_modules")


@dataclass(frozen=True)
class Protection:
    """What protects from a fault, and how to take it away."""

    what: str
    case: str
    """The case of `tests.faults.cases` that must find it missing."""
    changes: tuple[tuple[str, str, str], ...]
    """File, the text there, and what stands there without the protection."""


PROTECTIONS = (
    Protection(
        "only the first copy counts",
        "duplicates",
        (("schemas/generate/flink.py", "WHERE `copy` = 1", "WHERE `copy` >= 1"),),
    ),
    Protection(
        "counters are merged by max",
        "commits_lost",
        (
            (
                "schemas/clickhouse/migrations/0001_initial.sql",
                "SimpleAggregateFunction(max, UInt64)",
                "SimpleAggregateFunction(sum, UInt64)",
            ),
        ),
    ),
    Protection(
        "what is late is in no counter",
        "disorder",
        (
            (
                "schemas/generate/flink.py",
                "WHERE TO_TIMESTAMP_LTZ(`event_time`, 3) >= `record_time` - INTERVAL '${{lateness}}' DAY TO SECOND",
                "WHERE '${{lateness}}' <> ''",
            ),
        ),
    ),
    Protection(
        "what is no valid event is kept",
        "malformed_burst",
        (
            (
                "schemas/generate/clickhouse.py",
                "CREATE MATERIALIZED VIEW {name}_reject TO dead_letter AS",
                "CREATE VIEW {name}_reject AS",
            ),
        ),
    ),
    Protection(
        "each of ClickHouse's readers is a group of its own",
        "partition_added",
        (("schemas/generate/clickhouse.py", "'${{readers}}-{topic}'", "'${{readers}}'"),),
    ),
    Protection(
        "places in topics and counts are kept in checkpoints",
        "taskmanager_killed",
        (
            ("pipelines/flink/application.py", '"execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",', ""),
            (
                "pipelines/flink/application.py",
                '"execution.checkpointing.incremental": "true",',
                '"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1000",',
            ),
            ("schemas/generate/flink.py", "'scan.startup.mode' = 'earliest-offset'", "'scan.startup.mode' = 'latest-offset'"),
        ),
    ),
    Protection(
        "producers try again until the broker is back",
        "broker_killed",
        (("pipelines/produce.py", '"delivery.timeout.ms": 120_000', '"delivery.timeout.ms": 1_000'),),
    ),
    Protection(
        "a process that ends is started again",
        "clickhouse_killed",
        (("deploy/local/supervisord.conf.j2", "autorestart=true", "autorestart=false"),),
    ),
    Protection(
        "a JobManager finds its applications in ZooKeeper",
        "flink_killed",
        (("deploy/config/flink/config.yaml.j2", "high-availability.type: zookeeper", "high-availability.type: NONE"),),
    ),
)


def without(protection: Protection, folder: Path) -> None:
    """A copy of livepulse that lacks a protection."""
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
    for name, there, instead in protection.changes:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert there in text, f"{name} has no {there!r} any more: say how {protection.what!r} is taken away now"
        path.write_text(text.replace(there, instead), encoding="utf-8")


def main() -> int:
    """Runs each case without its protection."""
    console, unseen = Console(highlight=False, soft_wrap=True), 0
    for protection in PROTECTIONS:
        with tempfile.TemporaryDirectory(prefix="livepulse-without-") as folder:
            without(protection, Path(folder))
            done = subprocess.run(
                [sys.executable, "-m", "tests.faults", protection.case],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
        found = next((line for line in done.stdout.splitlines() if line.startswith(("WRONG", "ENDED"))), None)
        unseen += found is None
        said = found or f"NOT FOUND OUT (exit {done.returncode})\n{done.stdout}{done.stderr}"
        console.print(f"without: {protection.what}\n  {said}", markup=False)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
