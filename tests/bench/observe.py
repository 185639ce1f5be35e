"""What Flink says of a running application: since when it works, with which state, and where it is busy."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass

from pipelines.flink.rest import get
from pipelines.settings import Settings

ROCKSDB = "EmbeddedRocksDBStateBackend"
_BEFORE_RUNNING = ("CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING")


@dataclass(frozen=True)
class Vertex:
    """A chain of operators; times are the mean of its subtasks."""

    name: str
    busy_ms_per_second: float
    backpressured_ms_per_second: float
    records_read: int
    records_written: int


def running_since(settings: Settings, application: str) -> tuple[float, float]:
    """When the first source began to run, and when the last of all tasks did, in seconds of the epoch."""
    sources: list[float] = []
    tasks: list[float] = []
    for vertex in get(settings, f"/jobs/{application}")["vertices"]:
        for task in get(settings, f"/jobs/{application}/vertices/{vertex['id']}")["subtasks"]:
            durations = task["status-duration"]
            since = (task["start-time"] + sum(max(0, durations[state]) for state in _BEFORE_RUNNING)) / 1_000
            tasks.append(since)
            if vertex["name"].startswith("Source:"):
                sources.append(since)
    return min(sources), max(tasks)


def state(settings: Settings, application: str) -> str:
    """RUNNING, RESTARTING, …"""
    return str(get(settings, f"/jobs/{application}/status")["status"])


def state_backend(settings: Settings, application: str) -> str:
    """Where the application keeps what it remembers: Flink's name of the class."""
    return str(get(settings, f"/jobs/{application}/checkpoints/config")["state_backend"])


def python_operators(settings: Settings, application: str) -> list[str]:
    """Operators that call Python: there should be none."""
    nodes = get(settings, f"/jobs/{application}/plan")["plan"]["nodes"]
    names = {node["description"] for node in nodes} | {v["name"] for v in get(settings, f"/jobs/{application}")["vertices"]}
    return sorted(name for name in names if re.search("python", name, re.IGNORECASE))


def vertices(settings: Settings, application: str, seconds: float) -> list[Vertex]:
    """All vertices, the busiest first; `seconds` is how long there was something to do."""
    # Flink collects these figures only when asked, and answers with those of the time before. Asking while the
    # application works would take CPU from it.
    get(settings, f"/jobs/{application}")
    time.sleep(2)
    found = []
    for vertex in get(settings, f"/jobs/{application}")["vertices"]:
        metrics = vertex["metrics"]
        busy, held_up = (_number(metrics[f"accumulated-{kind}-time"]) for kind in ("busy", "backpressured"))
        found.append(
            Vertex(
                name=html.unescape(vertex["name"]),
                busy_ms_per_second=round(busy / vertex["parallelism"] / seconds, 1),
                backpressured_ms_per_second=round(held_up / vertex["parallelism"] / seconds, 1),
                records_read=metrics["read-records"],
                records_written=metrics["write-records"],
            )
        )
    return sorted(found, key=lambda vertex: -vertex.busy_ms_per_second)


def _number(value: float | str) -> float:
    """A metric that is not known yet is NaN, as a word."""
    return 0.0 if isinstance(value, str) or value != value else value
