"""Space on disks."""

from __future__ import annotations

import shutil

from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings
from pipelines.stack.layout import Layout

LOW, TOO_LOW = 0.10, 0.05
"""Shares of a disk that are free: below, a warning and a problem."""
LEAST_BYTES = 1 << 30
"""Less than this is a problem on any disk: merges and checkpoints write files before they delete the old ones."""


def look(settings: Settings) -> list[Finding]:
    """The disk of the local stack's data, logs and checkpoints."""
    home = Layout.of(settings).home
    folder = next(path for path in (home, *home.parents) if path.is_dir())  # it need not have been made yet
    usage = shutil.disk_usage(folder)
    help_ = f"du -sh {home}/*    then free space, or move it: livepulse down, LIVEPULSE_HOME=… livepulse up"
    return [judge_disk("disk of LIVEPULSE_HOME", str(home), usage.free, usage.total, help_)]


def judge_disk(check: str, path: str, free: int, total: int, help_: str) -> Finding:
    """By the share that is free, and by what is free at all."""
    share = free / total if total else 0.0
    seen = f"{free / 1e9:,.1f} GB of {total / 1e9:,.1f} GB are free ({share:.0%}) at {path}"
    if share < TOO_LOW or free < LEAST_BYTES:
        return Finding(check, Level.PROBLEM, seen, help_)
    if share < LOW:
        return Finding(check, Level.WARNING, seen, help_)
    return Finding(check, Level.OK, seen)
