"""Which savepoint an application was last stopped with, and with which jobs, so that it can be resumed by its name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.aside import write_whole
from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import Layout

NONE_KNOWN = 3
"""Exit code: there is nothing to resume from."""


@dataclass(frozen=True)
class Stopped:
    """What an application was stopped with."""

    jobs: list[str]
    savepoint: str | None = None
    """Its path; None while Flink has not said it, which takes minutes where much is remembered."""
    operators: str | None = None
    """Its parameter `application.OPERATORS`; None where a version stopped it that did not note it."""
    application: str | None = None
    """Flink's id of it, and when it was asked to stop, in seconds since 1970; None as above."""
    asked_at: float | None = None


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
