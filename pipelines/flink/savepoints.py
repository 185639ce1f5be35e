"""Stopping an application, and noting with which savepoint and jobs, so that it can be resumed by its name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.aside import write_whole
from pipelines.errors import UserError
from pipelines.flink import rest
from pipelines.flink.application import OPERATORS
from pipelines.flink.rest import Application
from pipelines.settings import Settings
from pipelines.stack.layout import Layout

NONE_KNOWN = 3
"""Exit code: there is nothing to resume from."""


@dataclass(frozen=True)
class Stopped:
    """What an application was stopped with."""

    jobs: list[str]
    savepoint: str | None = None
    """Its path, or a retained checkpoint's; None while Flink has not said it, which takes minutes where much is remembered."""
    operators: str | None = None
    """Its parameter `application.OPERATORS`; None where a version stopped it that did not note it."""
    application: str | None = None
    """Flink's id of it; None as above."""
    asked_at: float | None = None
    """When it was asked to stop, or wrote that checkpoint, in seconds since 1970; None as above."""


def stop(settings: Settings, application: Application, jobs: Iterable[str]) -> str:
    """Stops an application that runs, with a savepoint; its path.

    Raises:
        UserError: the savepoint failed; the application goes on.
    """
    stopped = _stopped(settings, application, jobs)
    # Before Flink is asked: it may do it though its answer does not come, and who stops waiting can resume all the same.
    note(settings, application.name, stopped)
    request = rest.stop_with_savepoint(settings, application)
    path = rest.savepoint(settings, application, request)
    note(settings, application.name, replace(stopped, savepoint=path))
    rest.wait_until_over(settings, application)
    return path


def stop_at_checkpoint(settings: Settings, application: Application, jobs: Iterable[str]) -> str | None:
    """Stops an application that does not come to run, which can write no savepoint: it goes on from its last checkpoint.

    Returns:
        That checkpoint's path; None when it has none, and there is nothing to go on from.
    """
    found = rest.checkpoints(settings, application)
    # Where it never came further than what it was resumed from, that is noted already, with its own age.
    if found.last_path is not None and written_as(settings, found.last_path) is None:
        stopped = _stopped(settings, application, jobs)
        written_at = time.time() - (found.last_age_seconds or 0.0)
        note(settings, application.name, replace(stopped, savepoint=found.last_path, asked_at=written_at))
    rest.cancel(settings, application)
    return found.last_path


def _stopped(settings: Settings, application: Application, jobs: Iterable[str]) -> Stopped:
    operators = rest.parameters(settings, application).get(OPERATORS)
    return Stopped(sorted(jobs), operators=operators, application=application.id, asked_at=time.time())


def note(settings: Settings, name: str, stopped: Stopped) -> None:
    """Remembers it as what the application of this name was last stopped with."""
    path = _file(settings)
    write_whole(path, json.dumps(_noted(path) | {name: asdict(stopped)}, indent=1))


def last(settings: Settings, name: str) -> Stopped:
    """What the application of this name was last stopped with.

    Raises:
        UserError: it is not known.
    """
    noted = _noted(_file(settings))
    if name not in noted:
        known = f"Known: {', '.join(sorted(noted))}." if noted else "None was stopped with a savepoint from here."
        hint = f"{known} Give one with --from PATH, or submit it anew."
        raise UserError(f"No savepoint of {name} is known.", hint, exit_code=NONE_KNOWN)
    return Stopped(**noted[name])


def written_as(settings: Settings, path: str) -> Stopped | None:
    """What was stopped with the savepoint at this path; None when that is not known."""
    return next((Stopped(**found) for found in _noted(_file(settings)).values() if found["savepoint"] == path), None)


def _file(settings: Settings) -> Path:
    return Layout.of(settings).flink / "stopped.json"


def _noted(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found
