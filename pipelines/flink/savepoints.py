"""Which savepoint an application was last stopped with, and with which jobs, so that it can be resumed by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import Layout


@dataclass(frozen=True)
class Stopped:
    """What an application was stopped with."""

    savepoint: str
    jobs: list[str]
    operators: str | None = None
    """Its parameter `application.OPERATORS`; None where a version stopped it that did not note it."""


def remember(settings: Settings, application: str, savepoint: str, jobs: Iterable[str], operators: str | None) -> None:
    """Notes the savepoint of an application that was stopped."""
    path = _file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = _noted(path) | {application: asdict(Stopped(savepoint, sorted(jobs), operators))}
    path.write_text(json.dumps(noted, indent=1), encoding="utf-8")


def last(settings: Settings, application: str) -> Stopped:
    """What an application was last stopped with.

    Raises:
        UserError: it is not known.
    """
    noted = _noted(_file(settings))
    if application not in noted:
        known = f"Known: {', '.join(sorted(noted))}." if noted else "None was stopped with a savepoint from here."
        raise UserError(f"No savepoint of {application} is known.", hint=f"{known} Give one with --from PATH, or submit it anew.")
    found = noted[application]
    return Stopped(found["savepoint"], found["jobs"], found.get("operators"))


def _file(settings: Settings) -> Path:
    return Layout.of(settings).flink / "stopped.json"


def _noted(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found
